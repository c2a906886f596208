// SPDX-License-Identifier: Apache-2.0
// What the RTP says of itself can be read, whatever others told it.
#include "test/spec/rtp_client.h"

static struct wire_client_status status_of(struct client *client)
{
    struct wire_client_status status;
    assert_ok(client_submit(client, WIRE_OP_STATUS, bytes_of(NULL, 0), 0));
    assert_true(client_await(client, client->tags, 1000));
    assert_int_equal(client->last.code, WIRE_CLIENT_OK);
    assert_ok(wire_message_decode(&WIRE_LAYOUT_CLIENT_STATUS,
                                  client->last.payload, &status));
    return status;
}

static void assert_text(struct rotor_bytes text, const char *expected)
{
    assert_int_equal(text.size, strlen(expected));
    assert_memory_equal(text.data, expected, text.size);
}

SPEC("a report of the enclave that is no text is told up to there")
{
    static const struct {
        const char *report;
        const char *told;
    } rows[] = {
        {"jitter: healthy",         "jitter: healthy"},
        {"\xff",                    ""               },
        {"a\xc3",                   "a"              },
        {"b\xe2\x82\xac\xe2\x82 c", "b\xe2\x82\xac"  },
        {"c\xed\xa0\x80 surrogate", "c"              },
    };
    struct sim_device *device = device_ready(51);
    struct client client = {.device = device};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        enclave_report(&device->enclave,
                       bytes_of(rows[i].report, strlen(rows[i].report)));
        rtp_look(&device->rtp);
        sim_run(device, 10);
        assert_text(status_of(&client).report, rows[i].told);
    }
    sim_device_free(device);
}

SPEC("an event in any alphabet and of any length leaves a status to be read")
{
    struct sim_device *device = device_ready(52);
    struct client client = {.device = device};
    char text[257];
    for (size_t front = 0; front < 3; front++) {
        size_t size = front;
        memset(text, 'a', front);
        for (; size + 3 < sizeof text; size += 3) {
            memcpy(text + size, "\xe2\x82\xac", 3);
        }
        text[size] = '\0';
        assert_ok(rtp_event(&device->rtp, device->now_ms,
                            WIRE_REASON_SECURITY_EVENT, text));
        struct rotor_bytes alarm = status_of(&client).alarm;
        assert_true(alarm.size > RTP_ALARM_TEXT - 4);
        assert_memory_equal(alarm.data, text, alarm.size);
        sim_run(device, 1000);
    }
    sim_device_free(device);
}
