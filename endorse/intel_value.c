// SPDX-License-Identifier: Apache-2.0
#include "endorse/intel_value.h"

#include <string.h>

#include "base/bytes.h"
#include "verify/dcap_collateral.h"

#define ADVISORY_MAX 32u // characters of one name

static int digit_of(uint8_t c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool intel_hex(struct rotor_bytes digits, struct rotor_room room)
{
    if (digits.size != room.capacity * 2) {
        return false;
    }
    for (size_t i = 0; i < room.capacity; i++) {
        int high = digit_of(digits.data[2 * i]);
        int low = digit_of(digits.data[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        room.data[i] = (uint8_t)(high * 16 + low);
    }
    return true;
}

const char *intel_text(struct intel_reader *in, const json_t *object,
                       const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    in->is_bad |= text == NULL;
    return text == NULL ? "" : text;
}

uint32_t intel_number(struct intel_reader *in, const json_t *object,
                      const char *key, uint32_t max)
{
    const json_t *number = json_object_get(object, key);
    json_int_t value = json_integer_value(number);
    bool is_good = json_is_integer(number) && value >= 0 && value <= max;
    in->is_bad |= !is_good;
    return is_good ? (uint32_t)value : 0;
}

void intel_hex_of(struct intel_reader *in, const json_t *object,
                  const char *key, struct rotor_room room)
{
    const char *text = intel_text(in, object, key);
    in->is_bad |= !intel_hex(bytes_of(text, strlen(text)), room);
}

const json_t *intel_object(struct intel_reader *in, const json_t *object,
                           const char *key)
{
    const json_t *found = json_object_get(object, key);
    in->is_bad |= !json_is_object(found);
    return found;
}

const json_t *intel_list(struct intel_reader *in, const json_t *object,
                         const char *key, size_t max)
{
    const json_t *list = json_object_get(object, key);
    bool is_good = json_is_array(list) && json_array_size(list) <= max;
    for (size_t i = 0; is_good && i < json_array_size(list); i++) {
        is_good = json_is_object(json_array_get(list, i));
    }
    in->is_bad |= !is_good;
    return is_good ? list : NULL;
}

// ---- times -----------------------------------------------------------------

struct moment {
    int64_t year, month, day, hour, minute, second;
};

static bool take_digits(const char **text, size_t count, int64_t *number)
{
    *number = 0;
    for (size_t i = 0; i < count; i++) {
        if (**text < '0' || **text > '9') {
            return false;
        }
        *number = *number * 10 + (**text - '0');
        (*text)++;
    }
    return true;
}

static bool take_char(const char **text, char c)
{
    bool is_there = **text == c;
    *text += is_there;
    return is_there;
}

static bool is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int64_t days_in(const struct moment *at)
{
    static const int64_t days[] = {31, 28, 31, 30, 31, 30,
                                   31, 31, 30, 31, 30, 31};
    return days[at->month - 1] + (at->month == 2 && is_leap(at->year));
}

static bool is_in_calendar(const struct moment *at)
{
    return at->year >= 1970 && at->month >= 1 && at->month <= 12 &&
           at->day >= 1 && at->day <= days_in(at) && at->hour < 24 &&
           at->minute < 60 && at->second < 60;
}

static int64_t seconds_of(const struct moment *at)
{
    int64_t days = at->day - 1;
    for (int64_t year = 1970; year < at->year; year++) {
        days += 365 + is_leap(year);
    }
    struct moment before = *at;
    for (before.month = 1; before.month < at->month; before.month++) {
        days += days_in(&before);
    }
    return ((days * 24 + at->hour) * 60 + at->minute) * 60 + at->second;
}

int64_t intel_time(struct intel_reader *in, const json_t *object,
                   const char *key)
{
    const char *text = intel_text(in, object, key);
    struct moment at = {0};
    bool is_good = take_digits(&text, 4, &at.year) && take_char(&text, '-') &&
                   take_digits(&text, 2, &at.month) && take_char(&text, '-') &&
                   take_digits(&text, 2, &at.day) && take_char(&text, 'T') &&
                   take_digits(&text, 2, &at.hour) && take_char(&text, ':') &&
                   take_digits(&text, 2, &at.minute) && take_char(&text, ':') &&
                   take_digits(&text, 2, &at.second) && take_char(&text, 'Z') &&
                   *text == '\0' && is_in_calendar(&at);
    in->is_bad |= !is_good;
    return is_good ? seconds_of(&at) : 0;
}

// ---- levels ----------------------------------------------------------------

uint32_t intel_status(struct intel_reader *in, const json_t *level)
{
    uint32_t status =
        verify_dcap_tcb_of_word(intel_text(in, level, "tcbStatus"));
    (void)intel_time(in, level, "tcbDate");
    in->is_bad |= status == 0;
    return status;
}

static bool is_advisory(const char *name)
{
    size_t size = strlen(name);
    size_t plain = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "abcdefghijklmnopqrstuvwxyz0123456789-");
    return size != 0 && size <= ADVISORY_MAX && plain == size;
}

void intel_advisories(struct intel_reader *in, const json_t *level, char *text,
                      size_t capacity)
{
    const json_t *list = json_object_get(level, "advisoryIDs");
    text[0] = '\0';
    in->is_bad |= list != NULL && !json_is_array(list);
    size_t used = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *name = json_string_value(json_array_get(list, i));
        bool is_good = name != NULL && is_advisory(name) &&
                       used + strlen(name) + 2 <= capacity;
        if (!is_good) {
            in->is_bad = true;
            return;
        }
        if (used != 0) {
            text[used++] = ' ';
        }
        memcpy(text + used, name, strlen(name) + 1);
        used += strlen(name);
    }
}

uint8_t intel_module_version(struct intel_reader *in, const json_t *module)
{
    static const char prefix[] = "TDX_";
    const char *id = intel_text(in, module, "id");
    uint8_t version[1] = {0};
    bool is_good = strncmp(id, prefix, sizeof prefix - 1) == 0 &&
                   intel_hex(bytes_of(id + sizeof prefix - 1, strlen(id + 4)),
                             ROOM_OF(version));
    in->is_bad |= !is_good;
    return version[0];
}

// A byte.  Some writers have it signed, and extended to 16 bits: any other
// number above 255 would be cut to a version that is lower than it says.
static uint8_t svn_of(struct intel_reader *in, const json_t *object,
                      const char *key)
{
    uint32_t number = intel_number(in, object, key, UINT16_MAX);
    in->is_bad |= number > UINT8_MAX && number < 0xff80u;
    return (uint8_t)number;
}

void intel_svns(struct intel_reader *in, const json_t *tcb, const char *key,
                uint8_t svns[VERIFY_DCAP_COMPONENTS])
{
    const json_t *list = intel_list(in, tcb, key, VERIFY_DCAP_COMPONENTS);
    in->is_bad |= json_array_size(list) != VERIFY_DCAP_COMPONENTS;
    for (size_t i = 0; i < json_array_size(list); i++) {
        svns[i] = svn_of(in, json_array_get(list, i), "svn");
    }
}

void intel_numbered_svns(struct intel_reader *in, const json_t *tcb,
                         uint8_t svns[VERIFY_DCAP_COMPONENTS])
{
    char key[] = "sgxtcbcomp00svn";
    char *number = key + sizeof "sgxtcbcomp" - 1;
    for (size_t i = 0; i < VERIFY_DCAP_COMPONENTS; i++) {
        number[0] = (char)('0' + (i + 1) / 10);
        number[1] = (char)('0' + (i + 1) % 10);
        svns[i] = svn_of(in, tcb, key);
    }
}
