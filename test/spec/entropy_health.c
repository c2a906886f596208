// SPDX-License-Identifier: Apache-2.0
#include "test/spec.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "entropy/health.h"
#include "test/spec/vectors.h"

// ---- cut-offs --------------------------------------------------------------

static struct entropy_limits limits_of(uint32_t bits, uint32_t millibits)
{
    struct entropy_limits limits;
    assert_ok(entropy_limits_of(bits, millibits, &limits));
    return limits;
}

// P(X = k) for X binomial
static double chance(unsigned window, unsigned k, double p)
{
    return exp(lgamma(window + 1.0) - lgamma(k + 1.0) -
               lgamma(window - k + 1.0) + k * log(p) +
               (window - k) * log1p(-p));
}

// The smallest c with P(X >= c) <= 2^-20, which is 1 + CRITBINOM.
static unsigned proportion_of(unsigned window, uint32_t millibits)
{
    double p = exp2(-(double)millibits / 1000);
    double tail = 0;
    for (unsigned k = window;; k--) {
        tail += chance(window, k, p);
        if (tail > exp2(-20)) {
            return k + 1;
        }
    }
}

SPEC("the cut-offs at half a bit are the known ones: 41 and 410")
{
    struct entropy_limits limits = limits_of(8, 500);
    assert_int_equal(limits.repetition, 41);
    assert_int_equal(limits.proportion, 410);
    assert_int_equal(limits.window, 512);
}

SPEC("every cut-off is what the binomial distribution says")
{
    for (uint32_t millibits = 125; millibits <= 8000; millibits += 125) {
        assert_int_equal(limits_of(8, millibits).proportion,
                         proportion_of(512, millibits));
    }
    for (uint32_t millibits = 125; millibits <= 1000; millibits += 125) {
        assert_int_equal(limits_of(1, millibits).proportion,
                         proportion_of(1024, millibits));
        assert_int_equal(limits_of(1, millibits).window, 1024);
    }
}

SPEC("every repetition cut-off is 1 + ceil(20 / H)")
{
    for (uint32_t millibits = 125; millibits <= 8000; millibits++) {
        uint32_t c = 1;
        while ((c - 1) * millibits < 20000) {
            c++;
        }
        assert_int_equal(limits_of(8, millibits).repetition, c);
    }
}

SPEC("a claim between two rows gets the cut-off of the lower one")
{
    assert_int_equal(limits_of(8, 624).proportion, 410);
    assert_int_equal(limits_of(8, 625).proportion,
                     limits_of(8, 749).proportion);
}

SPEC("a width that is not 1 or 8, and a claim it cannot hold, are refused")
{
    static const uint32_t refused[][2] = {
        {0,  500 },
        {2,  500 },
        {16, 500 },
        {8,  0   },
        {8,  124 },
        {8,  8001},
        {1,  1001},
    };
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        struct entropy_limits limits = {1, 2, 3};
        assert_int_equal(
            entropy_limits_of(refused[i][0], refused[i][1], &limits),
            ROTOR_INVALID);
        assert_int_equal(limits.window, 3);
    }
}

// ---- against a naive model -------------------------------------------------

struct verdict {
    enum entropy_fault fault;
    size_t at; // samples shown, the failing one included
};

// Looks back over all samples at every step; keeps no state of its own.
static bool naive_rct(const uint8_t *samples, size_t shown, uint32_t c)
{
    for (size_t i = 1; i <= c; i++) {
        if (i > shown || samples[shown - i] != samples[shown - 1]) {
            return false;
        }
    }
    return true;
}

static bool naive_apt(const uint8_t *samples, size_t shown,
                      const struct entropy_limits *limits)
{
    size_t begin = (shown - 1) / limits->window * limits->window;
    uint32_t count = 0;
    for (size_t i = begin; i < shown; i++) {
        count += samples[i] == samples[begin];
    }
    return count >= limits->proportion;
}

static struct verdict naive(const uint8_t *samples, size_t count,
                            const struct entropy_limits *limits)
{
    for (size_t shown = 1; shown <= count; shown++) {
        if (naive_rct(samples, shown, limits->repetition)) {
            return (struct verdict){ENTROPY_RCT, shown};
        }
        if (naive_apt(samples, shown, limits)) {
            return (struct verdict){ENTROPY_APT, shown};
        }
    }
    return (struct verdict){ENTROPY_NO_FAULT, count};
}

static struct verdict ours(const uint8_t *samples, size_t count,
                           const struct entropy_limits *limits)
{
    struct entropy_health health;
    entropy_health_init(&health, limits);
    for (size_t i = 0; i < count; i++) {
        enum entropy_fault fault = entropy_health_take(&health, samples[i]);
        if (fault != ENTROPY_NO_FAULT) {
            return (struct verdict){fault, i + 1};
        }
    }
    return (struct verdict){ENTROPY_NO_FAULT, count};
}

static uint64_t next_number(uint64_t *state) // splitmix64
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

// `favour` of 256 samples are 0x77, the others are as they come.
static void make_biased(uint8_t *samples, size_t count, unsigned favour,
                        uint64_t seed)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t number = next_number(&seed);
        bool favoured = (number & 0xff) < favour;
        samples[i] = favoured ? 0x77 : (uint8_t)(number >> 8);
    }
}

SPEC("on biased sources both tests fail where a naive model fails")
{
    static const uint32_t claims[] = {250, 500, 1000, 2000, 4000, 8000};
    static uint8_t samples[3000];
    unsigned rct_count = 0;
    unsigned apt_count = 0;
    for (size_t c = 0; c < COUNT_OF(claims); c++) {
        struct entropy_limits limits = limits_of(8, claims[c]);
        for (unsigned favour = 0; favour <= 256; favour += 16) {
            make_biased(samples, sizeof samples, favour, favour + c * 1000);
            struct verdict a = ours(samples, sizeof samples, &limits);
            struct verdict b = naive(samples, sizeof samples, &limits);
            assert_int_equal(a.fault, b.fault);
            assert_int_equal(a.at, b.at);
            rct_count += a.fault == ENTROPY_RCT;
            apt_count += a.fault == ENTROPY_APT;
        }
    }
    assert_true(rct_count > 10);
    assert_true(apt_count > 10);
}

SPEC("a stuck sample fails at the cut-off, not one sample earlier")
{
    uint8_t samples[64] = {0};
    struct entropy_limits limits = limits_of(8, 4000);
    assert_int_equal(limits.repetition, 6);
    struct verdict a = ours(samples, 5, &limits);
    assert_int_equal(a.fault, ENTROPY_NO_FAULT);
    a = ours(samples, 64, &limits);
    assert_int_equal(a.fault, ENTROPY_RCT);
    assert_int_equal(a.at, 6);
}

SPEC("a value spread thinly over a window fails the proportion test alone")
{
    uint8_t samples[512];
    struct entropy_limits limits = limits_of(8, 4000);
    for (size_t i = 0; i < sizeof samples; i++) {
        samples[i] = i % 4 == 0 ? 9 : (uint8_t)(10 + i % 200);
    }
    struct verdict a = ours(samples, sizeof samples, &limits);
    assert_int_equal(a.fault, ENTROPY_APT);
    assert_int_equal(a.at, (limits.proportion - 1) * 4 + 1);
}

SPEC("a new window counts from nothing")
{
    static uint8_t samples[1024];
    struct entropy_limits limits = limits_of(8, 4000);
    for (size_t i = 0; i < sizeof samples; i++) {
        bool favoured = i % 512 == 0 || (i % 9 == 0 && i % 512 < 360);
        samples[i] = favoured ? 9 : (uint8_t)(10 + i % 200);
    }
    assert_int_equal(ours(samples, sizeof samples, &limits).fault,
                     ENTROPY_NO_FAULT);
}

SPEC("packed bits are shown most significant first")
{
    static const uint8_t packed[] = {0xb1, 0x00, 0x0f};
    static const uint8_t bits[] = {1, 0, 1, 1, 0, 0, 0, 1, 0, 0, 0, 0,
                                   0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1};
    struct entropy_limits limits = limits_of(1, 1000);
    struct entropy_health a;
    struct entropy_health b;
    entropy_health_init(&a, &limits);
    entropy_health_init(&b, &limits);
    assert_int_equal(entropy_health_take_all(&a, 1, BYTES_OF(packed)), 0);
    for (size_t i = 0; i < sizeof bits; i++) {
        assert_int_equal(entropy_health_take(&b, bits[i]), 0);
    }
    assert_int_equal(a.run_count, 4);
    assert_int_equal(a.window_used, 24);
    assert_int_equal(a.window_count, b.window_count);
    assert_int_equal(a.run_value, b.run_value);
}

// ---- NIST's data sets, one sample a byte -----------------------------------

struct dataset {
    struct vectors bin;
    struct vectors refdata;
    struct rotor_bytes samples;
    uint32_t assessed_millibits; // the least of all estimates, rounded down
};

// The least number after "min entropy = "; bit string estimates of wider
// symbols are per bit, so only "Literal" ones count.
static double least_estimate(char *text)
{
    double least = 8;
    char *rest = NULL;
    for (char *line = strtok_r(text, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        const char *mark = strstr(line, "min entropy = ");
        if (mark != NULL && strncmp(line, "Literal", 7) == 0) {
            least = fmin(least, strtod(mark + 14, NULL));
        }
    }
    return least;
}

static bool dataset_open(struct dataset *d, const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "entropy/nist-90b/%s.bin", name);
    if (!vectors_open_bytes(&d->bin, path, &d->samples)) {
        return false;
    }
    struct rotor_bytes report;
    snprintf(path, sizeof path, "entropy/nist-90b/refdata/%s.res", name);
    assert_true(vectors_open_bytes(&d->refdata, path, &report));
    char *text = strndup((const char *)report.data, report.size);
    assert_non_null(text);
    d->assessed_millibits = (uint32_t)(least_estimate(text) * 1000);
    free(text);
    return true;
}

static void dataset_close(struct dataset *d)
{
    vectors_close(&d->bin);
    vectors_close(&d->refdata);
}

SPEC("NIST's good data sets pass at the entropy that was assessed")
{
    static const struct {
        const char *name;
        uint32_t sample_bits;
    } rows[] = {
        {"rand1_short",   1},
        {"rand4_short",   8},
        {"rand8_short",   8},
        {"truerand_1bit", 1},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct dataset d;
        if (!dataset_open(&d, rows[i].name)) {
            SKIP("no vectors");
        }
        assert_in_range(d.assessed_millibits, 125, 8000);
        struct entropy_limits limits =
            limits_of(rows[i].sample_bits, d.assessed_millibits);
        struct verdict a = ours(d.samples.data, d.samples.size, &limits);
        assert_int_equal(a.fault, ENTROPY_NO_FAULT);
        dataset_close(&d);
    }
}

SPEC("NIST's biased bits fail both tests at any claim that can be made")
{
    struct dataset d;
    if (!dataset_open(&d, "biased-random-bits")) {
        SKIP("no vectors");
    }
    // 0.028 bits were assessed: too few for a source of rotor.
    struct entropy_limits limits;
    assert_int_equal(entropy_limits_of(1, d.assessed_millibits, &limits),
                     ROTOR_INVALID);
    for (uint32_t claim = 125; claim <= 1000; claim += 125) {
        limits = limits_of(1, claim);
        limits.proportion = UINT32_MAX; // the repetition test alone
        assert_int_equal(ours(d.samples.data, d.samples.size, &limits).fault,
                         ENTROPY_RCT);
        limits = limits_of(1, claim);
        limits.repetition = UINT32_MAX; // the proportion test alone
        assert_int_equal(ours(d.samples.data, d.samples.size, &limits).fault,
                         ENTROPY_APT);
    }
    dataset_close(&d);
}

SPEC("four random bits in a byte do not pass for eight")
{
    struct dataset d;
    if (!dataset_open(&d, "rand4_short")) {
        SKIP("no vectors");
    }
    struct entropy_limits limits = limits_of(8, 8000);
    limits.repetition = UINT32_MAX;
    assert_int_equal(ours(d.samples.data, d.samples.size, &limits).fault,
                     ENTROPY_APT);
    dataset_close(&d);
}

// ---- words -----------------------------------------------------------------

SPEC("a bad word is named")
{
    static const struct {
        uint8_t raw[16]; // two words of 8
        enum entropy_fault fault;
    } rows[] = {
        {{1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 9},                   ENTROPY_NO_FAULT},
        {{0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 9},                   ENTROPY_ZERO    },
        {{1, 2, 3, 4, 5, 6, 7, 8},                                           ENTROPY_ZERO    },
        {{255, 255, 255, 255, 255, 255, 255, 255},                           ENTROPY_ONES    },
        {{1, 2, 3, 4, 5, 6, 7, 8, 90, 90, 90, 90, 90, 90, 90, 90},
         ENTROPY_STUCK                                                                       },
        {{1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8},                   ENTROPY_REPEAT  },
 // Zeros and ones that no word is full of.
        {{1, 2, 3, 4, 5, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9},                   ENTROPY_NO_FAULT},
        {{1, 2, 3, 4, 5, 6, 255, 255, 255, 255, 255, 255, 255, 255, 255, 9},
         ENTROPY_NO_FAULT                                                                    },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_int_equal(entropy_words_check(BYTES_OF(rows[i].raw), 8),
                         rows[i].fault);
    }
}

SPEC("every fault has a name of its own")
{
    for (int a = ENTROPY_NO_FAULT; a <= ENTROPY_UNTESTED; a++) {
        for (int b = ENTROPY_NO_FAULT; b < a; b++) {
            assert_string_not_equal(entropy_fault_name((enum entropy_fault)a),
                                    entropy_fault_name((enum entropy_fault)b));
        }
    }
    assert_string_equal(entropy_fault_name((enum entropy_fault)99), "unknown");
}
