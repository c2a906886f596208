// SPDX-License-Identifier: Apache-2.0
// Bytes a second through `rotor session`: into stdin of one process, over
// loopback, out of stdout of another.  The reference moves the same bytes
// through pipes of the same kind and a loopback connection in two processes
// that do nothing but AES-256-GCM over records of the same size.
//
// Both connections are made once; every round sends through one, then through
// the other.  A round is over when the last byte is out.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "app/rotor/pipe.h"
#include "base/bytes.h"
#include "bench/machine.h"
#include "bench/tally.h"
#include "crypto/crypto.h"

#define BYTES_A_ROUND (64u << 20)
#define HEAD          4u // be32: size of what follows
#define RECORD_MAX    (HEAD + PIPE_CHUNK + CRYPTO_AEAD_TAG)
#define ADDRESS       "127.0.0.1"

// Two processes, and the ends of their pipes that are ours.
struct line {
    pid_t sender;
    pid_t receiver;
    int in;  // stdin of the sender
    int out; // stdout of the receiver
};

static bool write_all(int fd, const uint8_t *bytes, size_t size)
{
    while (size > 0) {
        ssize_t put = write(fd, bytes, size);
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put <= 0) {
            return false;
        }
        bytes += put;
        size -= (size_t)put;
    }
    return true;
}

// ---- the reference ---------------------------------------------------------

static void open_cipher(struct crypto_aead *aead)
{
    static const uint8_t key[CRYPTO_AEAD_KEY] = {7};
    tally_expect(crypto_aead_open(aead, CRYPTO_AES256_GCM, key) == ROTOR_OK,
                 "AES-256-GCM");
}

// What was read at once is one record, as in rotor session.
static void send_records(int in, int out)
{
    static uint8_t record[RECORD_MAX];
    struct crypto_aead aead = {0};
    uint8_t nonce[CRYPTO_AEAD_NONCE] = {0};
    open_cipher(&aead);
    for (uint64_t i = 0;; i++) {
        ssize_t got = read(in, record + HEAD, PIPE_CHUNK);
        if (got <= 0) {
            return;
        }
        size_t size = (size_t)got + CRYPTO_AEAD_TAG;
        bytes_put_be64(nonce + 4, i);
        bytes_put_be32(record, (uint32_t)size);
        if (crypto_seal(&aead, nonce, bytes_of(record, HEAD),
                        bytes_of(record + HEAD, (size_t)got),
                        record + HEAD) != ROTOR_OK ||
            !write_all(out, record, HEAD + size)) {
            return;
        }
    }
}

struct inbox {
    uint8_t bytes[4 * RECORD_MAX];
    size_t size;
    size_t taken;
};

// The next whole record, where it lies; NULL: the connection ended.
static uint8_t *next_record(struct inbox *inbox, int fd)
{
    for (;;) {
        uint8_t *at = inbox->bytes + inbox->taken;
        size_t left = inbox->size - inbox->taken;
        if (left >= HEAD && left - HEAD >= bytes_be32(at)) {
            inbox->taken += HEAD + bytes_be32(at);
            return at;
        }
        memmove(inbox->bytes, at, left);
        inbox->taken = 0;
        inbox->size = left;
        ssize_t got =
            recv(fd, inbox->bytes + left, sizeof inbox->bytes - left, 0);
        if (got <= 0) {
            return NULL;
        }
        inbox->size += (size_t)got;
    }
}

static void receive_records(int in, int out)
{
    static struct inbox inbox;
    struct crypto_aead aead = {0};
    uint8_t nonce[CRYPTO_AEAD_NONCE] = {0};
    open_cipher(&aead);
    for (uint64_t i = 0;; i++) {
        uint8_t *record = next_record(&inbox, in);
        if (record == NULL) {
            return;
        }
        size_t size = bytes_be32(record);
        bytes_put_be64(nonce + 4, i);
        if (crypto_unseal(&aead, nonce, bytes_of(record, HEAD),
                          bytes_of(record + HEAD, size),
                          record + HEAD) != ROTOR_OK ||
            !write_all(out, record + HEAD, size - CRYPTO_AEAD_TAG)) {
            return;
        }
    }
}

static int listen_somewhere(uint16_t *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    tally_expect(
        fd >= 0 &&
            bind(fd, (const struct sockaddr *)&address, sizeof address) == 0 &&
            listen(fd, 1) == 0 &&
            getsockname(fd, (struct sockaddr *)&address, &size) == 0,
        "cannot listen");
    *port = ntohs(address.sin_port);
    return fd;
}

static int connect_to(uint16_t port)
{
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons(port),
                                        .sin_addr.s_addr =
                                            htonl(INADDR_LOOPBACK)};
    const int yes = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    tally_expect(fd >= 0 && connect(fd, (const struct sockaddr *)&address,
                                    sizeof address) == 0,
                 "cannot connect");
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    return fd;
}

// ---- processes -------------------------------------------------------------

static void make_pipe(int ends[2])
{
    tally_expect(pipe2(ends, O_CLOEXEC) == 0, "pipe");
}

static pid_t fork_child(void)
{
    pid_t pid = fork();
    tally_expect(pid >= 0, "fork");
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    }
    return pid;
}

static void open_reference(struct line *line)
{
    int in[2];
    int out[2];
    uint16_t port = 0;
    make_pipe(in);
    make_pipe(out);
    int listener = listen_somewhere(&port);
    line->receiver = fork_child();
    if (line->receiver == 0) {
        (void)close(in[1]);
        receive_records(accept4(listener, NULL, NULL, SOCK_CLOEXEC), out[1]);
        _exit(0);
    }
    line->sender = fork_child();
    if (line->sender == 0) {
        (void)close(in[1]);
        send_records(in[0], connect_to(port));
        _exit(0);
    }
    (void)close(listener);
    (void)close(in[0]);
    (void)close(out[1]);
    line->in = in[1];
    line->out = out[0];
}

static pid_t spawn(const char *const arguments[], int in, int out,
                   const char *log)
{
    pid_t pid = fork_child();
    if (pid != 0) {
        return pid;
    }
    int errors = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    (void)dup2(in >= 0 ? in : nothing, STDIN_FILENO);
    (void)dup2(out >= 0 ? out : nothing, STDOUT_FILENO);
    (void)dup2(errors, STDERR_FILENO);
    (void)execv(arguments[0], (char *const *)(uintptr_t)arguments);
    _exit(127);
}

// Whether somebody listens there, without connecting.
static bool is_listening(uint16_t port)
{
    char line[256];
    char wanted[32];
    bool found = false;
    (void)snprintf(wanted, sizeof wanted, "0100007F:%04X 00000000:0000 0A",
                   port);
    FILE *file = fopen("/proc/net/tcp", "re");
    tally_expect(file != NULL, "/proc/net/tcp");
    while (!found && fgets(line, sizeof line, file) != NULL) {
        found = strstr(line, wanted) != NULL;
    }
    (void)fclose(file);
    return found;
}

static void await_listener(uint16_t port)
{
    const struct timespec pause = {0, 2000000};
    int left = 5000;
    while (!is_listening(port) && left-- > 0) {
        (void)nanosleep(&pause, NULL);
    }
    tally_expect(left > 0, "rotor session does not listen");
}

static void open_ours(struct line *line, const struct place *place,
                      const struct machine *machine)
{
    char rotor[300];
    char trust[300];
    char log[300];
    char address[32];
    int in[2];
    int out[2];
    uint16_t port = 0;
    (void)close(listen_somewhere(&port));
    (void)snprintf(address, sizeof address, ADDRESS ":%u", port);
    (void)snprintf(rotor, sizeof rotor, "%s/rotor", place->programs);
    (void)snprintf(trust, sizeof trust, "%s/trust", place->work);
    (void)snprintf(log, sizeof log, "%s/session.log", place->work);
    make_pipe(in);
    make_pipe(out);
    const char *const listener[] = {
        rotor, "session", "listen", address, "--socket", machine->socket, NULL};
    const char *const requester[] = {rotor,
                                     "session",
                                     "connect",
                                     address,
                                     "--trust-on-first-use",
                                     "--any-measurement",
                                     "--trust",
                                     trust,
                                     NULL};
    line->receiver = spawn(listener, -1, out[1], log);
    await_listener(port);
    line->sender = spawn(requester, in[0], -1, log);
    (void)close(in[0]);
    (void)close(out[1]);
    line->in = in[1];
    line->out = out[0];
}

static void close_line(struct line *line)
{
    int status = 0;
    (void)close(line->in);
    (void)close(line->out);
    (void)kill(line->sender, SIGKILL);
    (void)kill(line->receiver, SIGKILL);
    (void)waitpid(line->sender, &status, 0);
    (void)waitpid(line->receiver, &status, 0);
}

// ---- one round -------------------------------------------------------------

static uint8_t block[65536];

static void *feed(void *context)
{
    const struct line *line = context;
    for (size_t sent = 0; sent < BYTES_A_ROUND; sent += sizeof block) {
        tally_expect(write_all(line->in, block, sizeof block),
                     "the sender is gone: see session.log");
    }
    return NULL;
}

// Once before the rounds: one byte says that the line stands.
static void try_line(const struct line *line)
{
    uint8_t byte = 0;
    tally_expect(write(line->in, &byte, 1) == 1 &&
                     read(line->out, &byte, 1) == 1,
                 "no session: see session.log");
}

// MiB a second.
static double run(struct line *line)
{
    static uint8_t sink[65536];
    pthread_t feeder;
    size_t got = 0;
    uint64_t start = tally_now_ns();
    tally_expect(pthread_create(&feeder, NULL, feed, line) == 0, "thread");
    while (got < BYTES_A_ROUND) {
        ssize_t more = read(line->out, sink, sizeof sink);
        tally_expect(more > 0, "the receiver is gone: see session.log");
        got += (size_t)more;
    }
    uint64_t spent = tally_now_ns() - start;
    (void)pthread_join(feeder, NULL);
    return (double)BYTES_A_ROUND / 1048576.0 / ((double)spent / 1e9);
}

int main(int count, char **words)
{
    static struct tally tally = {
        .bench = "session",
        .name = "throughput",
        .unit = "MiB/s",
        .reference = "bare AES-256-GCM, the same pipes and a loopback socket",
        .kind = TALLY_RATIO_AT_LEAST,
        .goal = 0.8};
    static struct party party;
    static struct party_exchange exchange;
    struct machine machine;
    struct place place;
    struct line ours;
    struct line theirs;
    char state[256];
    place_read(&place, count, words);
    (void)signal(SIGPIPE, SIG_IGN);
    machine_make(&place, "session", state, sizeof state);
    machine_start(&machine, &place, state);
    struct rotor_client *client = machine_connect(&machine);
    party_init(&party);
    machine_meet(client, &party);
    machine_attest(client, &party, &exchange);
    open_ours(&ours, &place, &machine);
    open_reference(&theirs);
    try_line(&ours);
    try_line(&theirs);
    (void)run(&ours);
    (void)run(&theirs);
    for (int round = 0; round < place.rounds; round++) {
        double reference = run(&theirs);
        tally_add(&tally, run(&ours), reference);
    }
    tally_print(&tally);
    close_line(&ours);
    close_line(&theirs);
    party_close(&exchange);
    rotor_client_close(client);
    machine_stop(&machine);
    return 0;
}
