// SPDX-License-Identifier: Apache-2.0
// rotor: the command line of a device, of its operator and of whoever relies
// on it.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/rotor/command.h"
#include "base/bytes.h"

#define VERSION "0.1.0"

// rotor with no arguments is the first one.
// clang-format off
const struct command COMMANDS[] = {
    {"status", "Show what the root of trust of this machine stands at",
     "[--json]", "  rotor status", main_status},
    {"rotate", "Make the next root of trust and switch to it",
     "[--reason NAME] [--suite N] [--close --yes] [--dry-run]",
     "  rotor rotate\n  rotor rotate --reason algorithm-change --suite 3",
     main_rotate},
    {"event", "Report a security event: rotates at once",
     "REASON [--text TEXT] [--distrust-from EPOCH]",
     "  rotor event security-event --text 'case opened'\n"
     "  rotor event key-compromise --distrust-from 12", main_event},
    {"attest", "Answer a verifier's nonce with evidence, as a file",
     "--nonce HEX [--out FILE] [--head] [--since EPOCH] [--evidence KIND]",
     "  rotor attest --nonce $(openssl rand -hex 32) --out evidence.cbor\n"
     "  rotor attest --nonce 6f3a... --evidence tpm --out evidence.cbor",
     main_attest},
    {"verify", "Judge a device, over TCP or from a file",
     "HOST:PORT | FILE --nonce HEX [--chain LOG]",
     "  rotor verify 10.0.0.7:7311 --log-id SHA256:... --measurement SHA256:..."
     "\n  rotor verify --nonce 6f3a... --any-measurement evidence.cbor"
     "\n  rotor verify --chain log.cbor --log-id SHA256:... --reference FILE",
     main_verify},
    {"session", "Pipe stdin and stdout to another machine under the root",
     "listen HOST:PORT | connect HOST:PORT --log-id FINGERPRINT",
     "  rotor session listen 127.0.0.1:7800 < answer > question\n"
     "  rotor session connect 127.0.0.1:7800 --log-id SHA256:... "
     "--measurement SHA256:...", main_session},
    {"offload", "Hand slow work to the enclave, many requests in flight",
     "attest | agree | sign [--count N] [--outstanding N] [--by-socket]",
     "  rotor offload sign --count 10000\n"
     "  rotor offload attest --by-socket", main_offload},
    {"chain", "Show and check the log of roots",
     "[list | show EPOCH | export FILE | prune --keep N] [--file FILE]",
     "  rotor chain\n  rotor chain show 3\n  rotor chain export log.cbor\n"
     "  rotor chain list --file log.cbor\n  rotor chain prune --keep 1024",
     main_chain},
    {"fork", "Show and carry proofs that a log was forked or a key misused",
     "export FILE | check FILE | report FILE",
     "  rotor fork export --log-id SHA256:... proof\n"
     "  rotor fork check proof\n  rotor fork report proof", main_fork},
    {"authority", "Keys and signatures of the recovery authority, offline",
     "init | set | show | sign",
     "  rotor authority init --keys 3 --threshold 2 --out ra\n"
     "  rotor authority sign --key ra/key-1.pem --measurement SHA256:... "
     "--out 1.sig --yes request", main_authority},
    {"recover", "Bring an order of the recovery authority to this device",
     "request | apply",
     "  rotor recover request --authority ra/set --out request\n"
     "  rotor recover apply --authority ra/set request 1.sig 2.sig",
     main_recover},
    {"image", "Sign, inspect, install and activate boot images",
     "keygen | lms-keygen | keyring | sign | inspect | install | activate | "
     "revert | list | reference",
     "  rotor image install --state DIR --keyring ring --activate rtp.img",
     main_image},
    {"endorse", "Keep what chip vendors say of their chips, for verify",
     "import FILE... | list | prune",
     "  rotor endorse import ask_ark_milan.pem vcek.der tcb_info.json",
     main_endorse},
    {"credential", "Prove that a TPM's attestation key is the TPM's own",
     "make | open | check",
     "  rotor credential make evidence.cbor --root maker.pem --out c --secret s\n"
     "  rotor credential open c --out a\n"
     "  rotor credential check a --secret s --out ak.pem", main_credential},
    {"policy", "Check and show what a relying party accepts",
     "check FILE | show FILE", "  rotor policy check fleet.policy", main_policy},
    {"tour", "Show rotor at work: the real programs, step by step, in 30 s",
     "[--up]", "  rotor tour\n  rotor tour --json\n  rotor tour --up",
     main_tour},
    {"doctor", "Look for what is wrong on this machine and say how to mend it",
     "", "  rotor doctor --state /var/lib/rotor", main_doctor},
};
// clang-format on
const size_t COMMAND_COUNT = COUNT_OF(COMMANDS);

static const struct command *command_named(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(COMMANDS[i].name, name) == 0) {
            return &COMMANDS[i];
        }
    }
    return NULL;
}

static void print_commands(void)
{
    printf("usage: rotor [COMMAND] [ARGUMENTS] [--json]\n\n"
           "A root of trust that rotates.  Alone: rotor status.\n\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        printf("  %-10s  %s\n", COMMANDS[i].name, COMMANDS[i].summary);
    }
    printf("  %-10s  %s\n", "help", "Show this, or the help of a command");
    printf("  %-10s  %s\n", "version", "Show the version");
    printf("\nExit codes: 0 done or accepted, 1 decided: no, 2 usage, 3 could "
           "not decide.\n"
           "\nExample:\n"
           "  rotord --state /tmp/r --listen 127.0.0.1:7311 &\n"
           "  rotor status --state /tmp/r\n"
           "  rotor verify 127.0.0.1:7311 --trust-on-first-use "
           "--any-measurement\n");
}

static void list_commands(const struct run *run)
{
    struct json out;
    begin_json(&out, run->command, true);
    json_open_list(&out, "commands");
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        json_open_object(&out, NULL);
        json_text(&out, "name", COMMANDS[i].name);
        json_text(&out, "summary", COMMANDS[i].summary);
        json_close(&out);
    }
    json_end(&out);
}

static int show_help(struct run *run, int count, char **arguments)
{
    if (count != 0 && strcmp(arguments[count - 1], "--json") == 0) {
        run->is_json = true;
        run->command = "help";
        count--;
    }
    if (count == 0 && run->is_json) {
        list_commands(run);
        return EXIT_ACCEPTED;
    }
    if (count == 0) {
        print_commands();
        return EXIT_ACCEPTED;
    }
    const struct command *command = command_named(arguments[0]);
    if (command == NULL) {
        return fail(run, CAUSE_USAGE, "rotor help lists the commands",
                    "unknown command %s", arguments[0]);
    }
    char help[] = "--help";
    char *only[] = {help};
    run->command = command->name;
    return command->main(run, 1, only);
}

static int show_version(struct run *run, int count, char **arguments)
{
    int code = 0;
    if (!flags_parse(run, NULL, 0, &count, arguments, &code)) {
        return code;
    }
    if (run->is_json) {
        struct json out;
        begin_json(&out, "version", true);
        json_text(&out, "version", VERSION);
        json_end(&out);
    } else {
        printf("rotor %s\n", VERSION);
    }
    return EXIT_ACCEPTED;
}

static int unknown(struct run *run, const char *name, int count,
                   char **arguments)
{
    for (int i = 0; i < count; i++) {
        run->is_json = run->is_json || strcmp(arguments[i], "--json") == 0;
    }
    return fail(run, CAUSE_USAGE, "rotor help lists the commands",
                "unknown command %s", name);
}

// Where the command stands: `rotor --state DIR status` is as good as `rotor
// status --state DIR`.  `count` when there is none.
static int command_at(int count, char **arguments)
{
    int at = 0;
    while (at < count && arguments[at][0] == '-') {
        bool has_value = strcmp(arguments[at], "--state") == 0 ||
                         strcmp(arguments[at], "--socket") == 0;
        at += has_value ? 2 : 1;
    }
    return at < count ? at : count;
}

static int dispatch(struct run *run, int count, char **arguments)
{
    int at = command_at(count, arguments);
    bool wants_help = count != 0 && (strcmp(arguments[0], "--help") == 0 ||
                                     strcmp(arguments[0], "-h") == 0);
    if (wants_help) {
        return show_help(run, 0, NULL);
    }
    if (count == 1 && strcmp(arguments[0], "--version") == 0) {
        run->command = "version";
        return show_version(run, 0, NULL);
    }
    if (at == count) { // no command: the first one
        run->command = COMMANDS[0].name;
        return COMMANDS[0].main(run, count, arguments);
    }
    const char *name = arguments[at];
    for (int i = at; i > 0; i--) {
        arguments[i] = arguments[i - 1];
    }
    const struct command *command = command_named(name);
    if (command != NULL) {
        run->command = command->name;
        return command->main(run, count - 1, arguments + 1);
    }
    if (strcmp(name, "help") == 0) {
        return show_help(run, count - 1, arguments + 1);
    }
    if (strcmp(name, "version") == 0) {
        run->command = "version";
        return show_version(run, count - 1, arguments + 1);
    }
    return unknown(run, name, count - 1, arguments + 1);
}

int main(int count, char **arguments)
{
    struct run run = {.command = "rotor"};
    run.is_colour = isatty(STDOUT_FILENO) == 1 && getenv("NO_COLOR") == NULL;
    int code = dispatch(&run, count > 0 ? count - 1 : 0, arguments + 1);
    // A result that did not reach its reader is no result.
    if (fflush(stdout) != 0 || ferror(stdout) != 0) {
        fprintf(stderr, "rotor: error: the output could not be written\n");
        return code == EXIT_ACCEPTED ? EXIT_UNABLE : code;
    }
    return code;
}
