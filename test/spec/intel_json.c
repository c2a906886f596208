// SPDX-License-Identifier: Apache-2.0
// JSON of Intel's service: what is taken, and that nothing else is.
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "endorse/intel_json.h"
#include "test/spec.h"
#include "test/spec/dcap_maker.h"

static struct dcap_plan plan;
static struct dcap_made made;
static char text[16384];
static struct verify_dcap_tcb_info info;
static struct verify_dcap_qe_identity identity;

// From the heap, of exactly that size.
static enum rotor_status read_text(const char *from,
                                   struct endorse_intel_envelope *envelope,
                                   char **kept)
{
    size_t size = strlen(from);
    *kept = malloc(size + 1);
    assert_non_null(*kept);
    memcpy(*kept, from, size);
    return endorse_intel_read(bytes_of(*kept, size), envelope);
}

static enum rotor_status read_tcb_info(void)
{
    struct endorse_intel_envelope envelope;
    char *kept = NULL;
    enum rotor_status status = read_text(text, &envelope, &kept);
    if (status == ROTOR_OK) {
        status = endorse_intel_tcb_info(&envelope, &info);
    }
    free(kept);
    return status;
}

static enum rotor_status read_identity(void)
{
    struct endorse_intel_envelope envelope;
    char *kept = NULL;
    enum rotor_status status = read_text(text, &envelope, &kept);
    if (status == ROTOR_OK) {
        status = endorse_intel_qe_identity(&envelope, &identity);
    }
    free(kept);
    return status;
}

static void make_texts(void)
{
    dcap_plan_tdx(&plan);
    dcap_make(&plan, &made);
}

SPEC("a TCB info is read field by field")
{
    make_texts();
    strcpy(text, made.tcb_info);
    assert_ok(read_tcb_info());
    assert_int_equal(info.version, 3);
    assert_int_equal(info.tee, VERIFY_DCAP_TEE_TDX);
    assert_memory_equal(info.fmspc, "\x00\xa1\xb2\xc3\xd4\xe5", 6);
    assert_int_equal(info.statement.issued_s, 1748736000);
    assert_int_equal(info.statement.next_s, 1751328000);
    assert_int_equal(info.statement.evaluation, 17);
    assert_int_equal(info.module_count, 1);
    assert_int_equal(info.modules[0].version, 1);
    assert_int_equal(info.modules[0].levels.count, 2);
    assert_int_equal(info.modules[0].levels.levels[1].isvsvn, 4);
    assert_int_equal(info.level_count, 2);
    assert_int_equal(info.levels[0].sgx[15], 5);
    assert_int_equal(info.levels[0].tdx[0], 2);
    assert_int_equal(info.levels[0].pcesvn, 13);
    assert_int_equal(info.levels[1].status,
                     VERIFY_DCAP_TCB_JUDGED | VERIFY_DCAP_TCB_OUT_OF_DATE);
    dcap_unmake(&made);
    dcap_plan_sgx(&plan);
    dcap_make(&plan, &made);
    strcpy(text, made.tcb_info);
    assert_ok(read_tcb_info());
    assert_string_equal(info.levels[1].advisories,
                        "INTEL-SA-00001 INTEL-SA-00002");
    dcap_unmake(&made);
}

SPEC("the exact bytes between the braces are what is signed, blanks included")
{
    struct endorse_intel_envelope envelope;
    static const char spaced[] =
        " {\t\"tcbInfo\" : { \"a\" : [1, {\"}\":\"\\\"}\"}] }\n,\"signature\": "
        "\"00000000000000000000000000000000000000000000000000000000000000000000"
        "000000000000000000000000000000000000000000000000000000000000\" }\r\n";
    assert_ok(endorse_intel_read(LABEL(spaced), &envelope));
    assert_int_equal(envelope.kind, ENDORSE_INTEL_TCB_INFO);
    assert_true(bytes_equal(envelope.body,
                            LABEL("{ \"a\" : [1, {\"}\":\"\\\"}\"}] }")));
}

SPEC("the signature may stand before the body")
{
    struct endorse_intel_envelope envelope;
    char signature[129];
    memset(signature, 'f', 128);
    signature[128] = 0;
    snprintf(text, sizeof text, "{\"signature\":\"%s\",\"enclaveIdentity\":{}}",
             signature);
    assert_ok(endorse_intel_read(bytes_of(text, strlen(text)), &envelope));
    assert_int_equal(envelope.kind, ENDORSE_INTEL_QE_IDENTITY);
    assert_int_equal(envelope.signature[63], 0xff);
    assert_int_equal(endorse_intel_qe_identity(&envelope, &identity),
                     ROTOR_MALFORMED);
}

struct change {
    const char *from, *to;
};

static const struct change ENVELOPE[] = {
    {"{\"tcbInfo\"",      "[\"tcbInfo\""               },
    {"\"tcbInfo\"",       "\"tcbinfo\""                },
    {"\"tcbInfo\"",       "\"enclaveIdentity\""        },
    {"\"tcbInfo\"",       "\"tcbInfo\",\"tcbInfo\""    },
    {"\"tcbInfo\":{",     "\"tcbInfo\":[{"             },
    {"\"tcbInfo\":",      "\"tcbInfo\":{},\"tcbInfo\":"},
    {",\"signature\"",    ",\"signatures\""            },
    {",\"signature\"",    " \"signature\""             },
    {",\"signature\":\"", ",\"signature\":\"0"         },
    {",\"signature\":\"", ",\"signature\":\"g"         },
    {",\"signature\":",   ",\"signature\":1,\"x\":"    },
};

static const struct change TCB_INFO[] = {
    {"\"tcbLevels\":[{\"tcb\":{\"sgx",
     "\"tcbLevels\":[],\"x\":[{\"tcb\":{\"sgx"                                  },
    {"\"id\":\"TDX\"",                      "\"id\":\"SGY\""                    },
    {"\"id\":\"TDX\",",                     ""                                  },
    {"\"version\":3",                       "\"version\":4"                     },
    {"\"version\":3",                       "\"version\":1"                     },
    {"\"version\":3",                       "\"version\":\"3\""                 },
    {"\"version\":3",                       "\"version\":3.0"                   },
    {"\"version\":3",                       "\"version\":3,\"version\":3"       },
    {"\"issueDate\"",                       "\"issuedate\""                     },
    {"2025-06-01T00:00:00Z",                "2025-06-01T00:00:00"               },
    {"2025-06-01T00:00:00Z",                "2025-06-31T00:00:00Z"              },
    {"2025-06-01T00:00:00Z",                "2025-02-29T00:00:00Z"              },
    {"2025-06-01T00:00:00Z",                "2025-00-01T00:00:00Z"              },
    {"2025-06-01T00:00:00Z",                "2025-13-01T00:00:00Z"              },
    {"2025-06-01T00:00:00Z",                "2025-06-00T00:00:00Z"              },
    {"2025-06-01T00:00:00Z",                "2025-06-01T24:00:00Z"              },
    {"2025-06-01T00:00:00Z",                "2025-06-01T00:60:00Z"              },
    {"2025-06-01T00:00:00Z",                "2025-06-01T00:00:60Z"              },
    {"2025-06-01T00:00:00Z",                "2025-06-01 00:00:00Z"              },
    {"2025-06-01T00:00:00Z",                "2025-06-01T00:00:00Zx"             },
    {"2025-06-01T00:00:00Z",                "1969-06-01T00:00:00Z"              },
    {"\"2025-06-01T00:00:00Z\"",            "1748736000"                        },
    {"00A1B2C3D4E5",                        "00A1B2C3D4E"                       },
    {"00A1B2C3D4E5",                        "00A1B2C3D4E55"                     },
    {"00A1B2C3D4E5",                        "00A1B2C3D4E5FF"                    },
    {"00A1B2C3D4E5",                        "00A1B2C3D4EG"                      },
    {"\"pceId\":\"0000\"",                  "\"pceId\":0"                       },
    {"\"pceId\":\"0000\",",                 ""                                  },
    {"\"tcbType\":0",                       "\"tcbType\":1"                     },
    {"\"tcbType\":0,",                      ""                                  },
    {"Number\":17",                         "Number\":-1"                       },
    {"Number\":17",                         "Number\":99999999999999999999"     },
    {"Number\":17",                         "Number\":true"                     },
    {"\"tdxModule\":{",                     "\"tdxModules\":{"                  },
    {"\"attributes\":\"0000000000000000\"", "\"attributes\":\"00\""             },
    {"\"TDX_01\"",                          "\"TDX_1\""                         },
    {"\"TDX_01\"",                          "\"TDX_011\""                       },
    {"\"TDX_01\"",                          "\"SGX_01\""                        },
    {"\"TDX_01\"",                          "\"TDX\""                           },
    {"\"TDX_01\"",                          "\"T\""                             },
    {"\"tdxModuleIdentities\":[",           "\"tdxModuleIdentities\":[1,"       },
    {"\"tdxModuleIdentities\":[",           "\"tdxModuleIdentities\":{},\"x\":["},
    {"\"isvsvn\":6",                        "\"isvsvn\":65536"                  },
    {"\"isvsvn\":6",                        "\"isvsvn\":\"6\""                  },
    {"\"isvsvn\":6",                        "\"isvsvm\":6"                      },
    {"\"tcb\":{\"isvsvn\":6}",              "\"tcb\":[]"                        },
    {"\"tcbStatus\":\"UpToDate\"",          "\"tcbStatus\":\"Uptodate\""        },
    {"\"tcbStatus\":\"UpToDate\"",          "\"tcbStatus\":\"\""                },
    {"\"tcbStatus\":\"UpToDate\"",          "\"tcbStatus\":null"                },
    {"\"tcbStatus\":\"UpToDate\"",          "\"status\":\"UpToDate\""           },
    {"\"tcbDate\"",                         "\"tcbdate\""                       },
    {"[{\"svn\":5},",                       "["                                 },
    {"[{\"svn\":5},",                       "[{\"svn\":5},{\"svn\":5},"         },
    {"[{\"svn\":5},",                       "[{\"svn\":65536},"                 },
    {"[{\"svn\":5},",                       "[{\"svn\":256},"                   },
    {"[{\"svn\":5},",                       "[{\"svn\":65407},"                 },
    {"[{\"svn\":5},",                       "[{\"svn\":-1},"                    },
    {"[{\"svn\":5},",                       "[5,"                               },
    {"\"pcesvn\":13",                       "\"pcesvn\":65536"                  },
    {"\"pcesvn\":13,",                      ""                                  },
    {"\"tdxtcbcomponents\":[",              "\"tdxtcbcomponents\":[{\"svn\":2},"},
    {"\"tdxtcbcomponents\"",                "\"tdxtcbcomponent\""               },
};

SPEC("an envelope with anything missing, twice or of another type is refused")
{
    make_texts();
    for (size_t i = 0; i < COUNT_OF(ENVELOPE); i++) {
        strcpy(text, made.tcb_info);
        dcap_replace(text, ENVELOPE[i].from, ENVELOPE[i].to);
        if (read_tcb_info() != ROTOR_MALFORMED) {
            fail_msg("%s", ENVELOPE[i].to);
        }
    }
    static const char *const ends[] = {"", "},", "}{}", ",\"more\":1}", "]"};
    for (size_t i = 0; i < COUNT_OF(ends); i++) {
        strcpy(text, made.tcb_info);
        strcpy(text + strlen(text) - 1, ends[i]);
        assert_int_equal(read_tcb_info(), ROTOR_MALFORMED);
    }
    dcap_unmake(&made);
}

#define ZEROS                                                                  \
    "0000000000000000000000000000000000000000000000000000000000000000"         \
    "0000000000000000000000000000000000000000000000000000000000000000"

SPEC("an envelope of two bodies, of two signatures, or with a key twice in its "
     "body is refused")
{
    static const char *const rows[] = {
        "{\"tcbInfo\":{},\"tcbInfo\":{}}",
        "{\"tcbInfo\":{},\"enclaveIdentity\":{}}",
        "{\"signature\":\"" ZEROS "\",\"signature\":\"" ZEROS "\"}",
        "{\"tcbInfo\":{\"a\":1,\"a\":1},\"signature\":\"" ZEROS "\"}",
        "{\"tcbInfo\":{\"a\":{\"b\":1,\"b\":2}},\"signature\":\"" ZEROS "\"}",
    };
    struct endorse_intel_envelope envelope;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_int_equal(
            endorse_intel_read(bytes_of(rows[i], strlen(rows[i])), &envelope),
            ROTOR_MALFORMED);
    }
}

SPEC("a TCB info with anything missing, twice or of another type is refused")
{
    make_texts();
    for (size_t i = 0; i < COUNT_OF(TCB_INFO); i++) {
        strcpy(text, made.tcb_info);
        dcap_replace(text, TCB_INFO[i].from, TCB_INFO[i].to);
        if (read_tcb_info() != ROTOR_MALFORMED) {
            fail_msg("%s", TCB_INFO[i].to);
        }
        assert_int_equal(info.level_count, 0);
    }
    dcap_unmake(&made);
}

static const struct change ADVISORIES[] = {
    {"[\"INTEL-SA-00001\",\"INTEL-SA-00002\"]", "\"INTEL-SA-00001\""                   },
    {"\"INTEL-SA-00001\"",                      "1"                                    },
    {"\"INTEL-SA-00001\"",                      "\"\""                                 },
    {"\"INTEL-SA-00001\"",                      "\"INTEL SA\""                         },
    {"\"INTEL-SA-00001\"",                      "\"\\u001b[31m\""                      },
    {"\"INTEL-SA-00001\"",                      "\"INTEL-SA-000010000000000000000000\""},
};

SPEC("advisories are plain names, and no more than there is room for")
{
    dcap_plan_sgx(&plan);
    dcap_make(&plan, &made);
    for (size_t i = 0; i < COUNT_OF(ADVISORIES); i++) {
        strcpy(text, made.tcb_info);
        dcap_replace(text, ADVISORIES[i].from, ADVISORIES[i].to);
        assert_int_equal(read_tcb_info(), ROTOR_MALFORMED);
    }
    strcpy(text, made.tcb_info);
    size_t count = 2;
    while (count * 15 - 1 < VERIFY_DCAP_ADVISORIES_MAX - 15) {
        dcap_replace(text, "[\"INTEL", "[\"INTEL-SA-00000\",\"INTEL");
        count++;
    }
    assert_ok(read_tcb_info());
    assert_int_equal(strlen(info.levels[1].advisories), count * 15 - 1);
    dcap_replace(text, "[\"INTEL", "[\"INTEL-SA-00000\",\"INTEL");
    assert_int_equal(read_tcb_info(), ROTOR_MALFORMED);
    dcap_unmake(&made);
}

SPEC("an SVN is a byte, also one that was written signed and in 16 bits")
{
    static const struct {
        const char *written;
        uint8_t svn;
    } rows[] = {
        {"[{\"svn\":255},",   255 },
        {"[{\"svn\":65408},", 0x80},
        {"[{\"svn\":65535},", 0xff},
    };
    make_texts();
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        strcpy(text, made.tcb_info);
        dcap_replace(text, "[{\"svn\":5},", rows[i].written);
        assert_ok(read_tcb_info());
        assert_int_equal(info.levels[0].sgx[0], rows[i].svn);
    }
    dcap_unmake(&made);
}

SPEC("levels and modules have a bound, and a module stands once")
{
    make_texts();
    strcpy(text, made.tcb_info);
    const char level[] = "\"tcbLevels\":[{\"tcb\":{\"isvsvn\":7},\"tcbDate\":"
                         "\"2025-01-01T00:00:00Z\",\"tcbStatus\":\"OutOfDate\"}"
                         ",";
    for (size_t i = 2; i < VERIFY_DCAP_ISV_LEVELS_MAX; i++) {
        dcap_replace(text, "\"tcbLevels\":[", level);
    }
    assert_ok(read_tcb_info());
    dcap_replace(text, "\"tcbLevels\":[", level);
    assert_int_equal(read_tcb_info(), ROTOR_MALFORMED);
    strcpy(text, made.tcb_info);
    char *from = strstr(text, "{\"id\":\"TDX_01\"");
    char *to = strstr(text, "],\"tcbLevels\":[{\"tcb\":{\"sgx");
    assert_true(from != NULL && to != NULL);
    char module[2048];
    snprintf(module, sizeof module, "[%.*s,{\"id\":\"TDX_01\"",
             (int)(to - from), from);
    dcap_replace(text, "[{\"id\":\"TDX_01\"", module);
    assert_int_equal(read_tcb_info(), ROTOR_MALFORMED);
    dcap_replace(text, "TDX_01", "TDX_03");
    assert_ok(read_tcb_info());
    assert_int_equal(info.module_count, 2);
    dcap_unmake(&made);
}

static const struct change IDENTITY[] = {
    {"\"id\":\"TD_QE\"",            "\"id\":\"XE\""                },
    {"\"version\":2",               "\"version\":1"                },
    {"\"version\":2",               "\"version\":3"                },
    {"\"miscselect\":\"01000000\"", "\"miscselect\":\"010000\""    },
    {"\"miscselect\":\"01000000\"", "\"miscselect\":\"0100000000\""},
    {"\"miscselectMask\"",          "\"miscselectmask\""           },
    {"\"attributes\":\"11",         "\"attributes\":\"1"           },
    {"\"attributesMask\":\"FB",     "\"attributesMask\":\"F"       },
    {"\"mrsigner\":\"51",           "\"mrsigner\":\""              },
    {"\"isvprodid\":258",           "\"isvprodid\":65536"          },
    {"\"isvprodid\":258",           "\"isvprodid\":\"258\""        },
    {"\"isvsvn\":772",              "\"isvsvn\":-1"                },
    {"\"tcbLevels\":[",             "\"tcbLevels\":[],\"x\":["     },
    {"\"enclaveIdentity\"",         "\"tcbInfo\""                  },
};

SPEC("a QE identity is read, and with a field of another form refused")
{
    make_texts();
    strcpy(text, made.qe_identity);
    assert_ok(read_identity());
    assert_int_equal(identity.enclave, VERIFY_DCAP_TD_QE);
    assert_int_equal(identity.isvprodid, 258);
    assert_int_equal(identity.miscselect[0], 1);
    assert_int_equal(identity.attributes_mask[0], 0xfb);
    assert_int_equal(identity.levels.count, 2);
    for (size_t i = 0; i < COUNT_OF(IDENTITY); i++) {
        strcpy(text, made.qe_identity);
        dcap_replace(text, IDENTITY[i].from, IDENTITY[i].to);
        if (read_identity() != ROTOR_MALFORMED) {
            fail_msg("%s", IDENTITY[i].to);
        }
    }
    dcap_unmake(&made);
}

SPEC("text that is cut anywhere is refused, and so is too much of it")
{
    make_texts();
    struct endorse_intel_envelope envelope;
    size_t size = strlen(made.tcb_info);
    for (size_t cut = 0; cut < size; cut++) {
        char *copy = malloc(cut + 1);
        assert_non_null(copy);
        memcpy(copy, made.tcb_info, cut);
        assert_int_equal(endorse_intel_read(bytes_of(copy, cut), &envelope),
                         ROTOR_MALFORMED);
        free(copy);
    }
    char *much = malloc(ENDORSE_INTEL_TEXT_MAX + 1);
    assert_non_null(much);
    memset(much, ' ', ENDORSE_INTEL_TEXT_MAX + 1);
    memcpy(much, made.tcb_info, size);
    assert_ok(
        endorse_intel_read(bytes_of(much, ENDORSE_INTEL_TEXT_MAX), &envelope));
    assert_int_equal(endorse_intel_read(
                         bytes_of(much, ENDORSE_INTEL_TEXT_MAX + 1), &envelope),
                     ROTOR_MALFORMED);
    free(much);
    dcap_unmake(&made);
}
