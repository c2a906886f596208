// SPDX-License-Identifier: Apache-2.0
// Verifying evidence of other makers: ours is the whole verdict with the
// endorsements parsed beforehand; the reference imports the keys of the same
// chain and checks its signatures, through the same crypto port.
//
//     bench-verify [ROUNDS]
#include "bench/verify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "bench/tally.h"
#include "verify/der.h"

#define FILE_SIZE_MAX (1u << 20)
#define REPEATS       20 // of one case in one round

static const struct verify_case *const cases[] = {
    &verify_case_snp, &verify_case_psa, &verify_case_eat, &verify_case_dice,
    &verify_case_sgx, &verify_case_tdx, &verify_case_tpm,
};

// ---- for the cases ---------------------------------------------------------

struct rotor_bytes verify_file(const char *name)
{
    char path[512];
    const char *folder = getenv("ROTOR_VECTORS");
    (void)snprintf(path, sizeof path, "%s/%s",
                   folder != NULL ? folder : "../shared/vectors", name);
    FILE *file = fopen(path, "rbe");
    if (file == NULL) {
        return (struct rotor_bytes){0};
    }
    uint8_t *data = malloc(FILE_SIZE_MAX);
    tally_expect(data != NULL, "no memory");
    size_t size = fread(data, 1, FILE_SIZE_MAX, file);
    (void)fclose(file);
    return bytes_of(data, size);
}

void verify_bare_check(const struct verify_bare *bare)
{
    struct crypto_verifier verifier = {0};
    bool valid = false;
    tally_expect(crypto_verifier_open(&verifier, bare->spki) == ROTOR_OK &&
                     crypto_verifier_check(&verifier, bare->form, bare->hash,
                                           bare->message, bare->signature,
                                           &valid) == ROTOR_OK &&
                     valid,
                 "a signature of the reference does not verify");
    crypto_verifier_close(&verifier);
}

// Certificate: SEQUENCE of what is signed, algorithm, BIT STRING.
struct verify_bare verify_bare_of(const struct crypto_certificate *certificate,
                                  const struct crypto_certificate *issuer,
                                  enum crypto_signature_form form,
                                  enum crypto_hash hash)
{
    struct crypto_certificate_facts facts;
    struct crypto_certificate_facts above;
    struct verify_der_element outer;
    struct verify_der_element parts[3];
    tally_expect(crypto_certificate_facts(certificate, &facts) == ROTOR_OK &&
                     crypto_certificate_facts(issuer, &above) == ROTOR_OK,
                 "a certificate holds nothing");
    struct rotor_bytes rest = facts.der;
    bool ok = verify_der_next(&rest, &outer) == ROTOR_OK;
    rest = outer.content;
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        ok = ok && verify_der_next(&rest, &parts[i]) == ROTOR_OK;
    }
    tally_expect(ok && parts[2].content.size > 1, "no certificate");
    return (struct verify_bare){
        .spki = above.spki,
        .form = form,
        .hash = hash,
        .message = parts[0].whole,
        .signature =
            bytes_of(parts[2].content.data + 1, parts[2].content.size - 1),
    };
}

// ---- rounds ----------------------------------------------------------------

static double time_us(void (*call)(void))
{
    uint64_t start = tally_now_ns();
    for (int i = 0; i < REPEATS; i++) {
        call();
    }
    return (double)(tally_now_ns() - start) / 1000 / REPEATS;
}

static void run(const struct verify_case *c, int rounds)
{
    const char *skipped = c->open();
    if (skipped != NULL) {
        printf("{\"bench\":\"verify\",\"case\":\"%s\",\"skipped\":\"%s\"}\n",
               c->name, skipped);
        return;
    }
    struct tally tally = {
        .bench = "verify",
        .name = c->name,
        .unit = "us",
        .reference = "keys and signatures of the same chain",
        .kind = TALLY_RATIO_AT_MOST,
        .goal = 1.2,
    };
    (void)time_us(c->ours); // warm
    (void)time_us(c->bare);
    for (int round = 0; round < rounds; round++) {
        double ours = time_us(c->ours);
        tally_add(&tally, ours, time_us(c->bare));
    }
    tally_print(&tally);
    c->close();
}

int main(int count, char **words)
{
    int rounds = count > 1 ? atoi(words[1]) : TALLY_ROUNDS;
    if (rounds < 1 || rounds > TALLY_ROUNDS_MAX) {
        fprintf(stderr, "usage: bench-verify [ROUNDS]\n");
        return 2;
    }
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        run(cases[i], rounds);
    }
    return 0;
}
