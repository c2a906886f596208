// SPDX-License-Identifier: Apache-2.0
#include <rotor/status.h>

const char *rotor_status_name(enum rotor_status status)
{
    switch (status) {
    case ROTOR_OK:
        return "ok";
    case ROTOR_AGAIN:
        return "again";
    case ROTOR_INVALID:
        return "invalid";
    case ROTOR_TOO_SMALL:
        return "too-small";
    case ROTOR_MALFORMED:
        return "malformed";
    case ROTOR_FORBIDDEN:
        return "forbidden";
    case ROTOR_CORRUPT:
        return "corrupt";
    case ROTOR_PORT_FAILED:
        return "port-failed";
    }
    return "unknown";
}
