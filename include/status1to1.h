/* libstatus1to1 - private one-to-one chat with the people of Status, over Waku.
 *
 * The manual: what holds for all functions, the functions, and at the end parameters, result
 * and errors of each method, the data of each event, and the error codes. The header
 * status1to1.h and the man page status1to1(3) have the same text. A program that chats
 * looks like this:
 *
 *     status1to1_client client;
 *     char *answer = status1to1_open(
 *         "{\"store\":{\"path\":\"alice.db\",\"passphrase\":\"correct horse\"},"
 *         "\"network\":{\"listen\":[\"/ip4/0.0.0.0/tcp/60000\"],"
 *         "\"peers\":[\"/ip4/192.0.2.1/tcp/60000/p2p/16Uiu2HAm...\"]}}", &client);
 *     // {"ok":true,"result":{"client":...,"identity":null}}
 *     status1to1_free(answer);
 *
 *     answer = status1to1_identity_create(client, "{}");
 *     // the result holds the seed phrase: show it to the user, once
 *     status1to1_free(answer);
 *
 *     answer = status1to1_messages_send(client,
 *         "{\"to\":\"zQ3sh...\",\"text\":\"Hello\",\"client_ref\":\"1\"}");
 *     status1to1_free(answer);
 *
 *     for (;;) {
 *         char *event = status1to1_next_event(client, -1);
 *         // {"ok":true,"result":{"seq":7,"type":"message_received","at":...,"data":{...}}}
 *         ... handle it, then acknowledge it with
 *         //  status1to1_events_ack(client, "{\"up_to\":7}")
 *         status1to1_free(event);
 *     }
 *
 *     status1to1_free(status1to1_close(client));
 *
 * examples/c/poll/poll.c is a small program of this kind, examples/c/chat.c a large one.
 *
 * BUILDING
 *     cc program.c $(pkg-config --cflags --libs status1to1)
 *   or, with CMake:
 *     find_package(status1to1 REQUIRED)
 *     target_link_libraries(program status1to1::status1to1)
 *
 * VERSIONS
 *   There are two numbers. The ABI version, STATUS1TO1_ABI_VERSION, counts from 1 and
 *   changes only when a function of this header changes or goes away, or its arguments
 *   do: not with a new method or field. The soname has the same number, so that the
 *   dynamic linker gives a program that was linked against libstatus1to1.so.1 no library
 *   of another ABI; a program that loads the library with dlopen compares it with
 *   status1to1_abi_version(). Compile a program anew only when this number changes.
 *   The library's version, such as 0.1.0, tells which methods and fields there are. It is
 *   in status1to1_info, in the .pc file, and in the name of the installed file:
 *   libstatus1to1.so.1.0.1.0 has ABI 1 and version 0.1.0.
 *
 * STRINGS
 *   Every char * this library returns is NUL-terminated UTF-8 on the heap, is
 *   never NULL, and is yours: give it back with status1to1_free. Strings you pass
 *   in are borrowed for the duration of the call.
 *
 * ANSWERS
 *   There is one envelope:
 *     {"ok":true,"result":...}
 *     {"ok":false,"error":{"code":"...","category":"...","message":"...",
 *                          "retryable":false,"field":"...","details":{}}}
 *   Decide by "code": codes are stable, and status1to1_schema lists each with its
 *   meaning and remedy. "message" is for people and may change. "field" is the
 *   path of the field at fault ("text", "network.peers[0]"), or "". "retryable"
 *   is true if the same call may succeed later without a change. There is no
 *   last-error state.
 *
 * JSON
 *   Names are snake_case and match exactly. Public keys, ids and hashes are
 *   lower-case 0x hex; a chat key also has its zQ3sh... form, and any form is
 *   accepted where a key is expected. Times are ms since 1970. Whole numbers stay
 *   below 2^53. Requests are read strictly: unknown and repeated fields, anything
 *   after the value, invalid UTF-8 and unpaired surrogates are errors. In answers,
 *   ignore fields you do not know: later versions may add some.
 *
 * CLIENTS
 *   A client is one identity with its store and its network. Its handle is never
 *   0, is never reused in a process and stays below 2^53. Several clients may be
 *   open at once. A handle that does not belong to an open client gives the error
 *   "bad_client".
 *
 * THREADS
 *   Any function may be called from any thread at any time. Only methods with a
 *   deadline_ms parameter wait for the network, and never beyond that deadline.
 *   Signals do not interrupt a waiting call (such a method, or
 *   status1to1_next_event). If your program handles signals only after a call has
 *   returned, as Python does with Ctrl-C, wait in short steps or in another
 *   thread. All other calls return once the store has committed, in milliseconds.
 *   Opening a store with a passphrase deliberately takes a tenth of a second or
 *   more, which makes guessing passphrases slow. What happens later is reported by
 *   events.
 *
 * EVENTS
 *   Each event has a rising seq. It is stored together with the change it reports,
 *   and stays stored until events.ack {up_to} acknowledges it and all before it. In
 *   one run of the process an event is delivered once: to one waiting thread, or to
 *   the callback. Events that were not acknowledged are delivered again after the
 *   next open. So handle an event first, then acknowledge it.
 *   "network_changed", "peer_changed", "envelope_outgoing", "content_topics_changed",
 *   "catch_up_changed", "store_node_changed", "message_progress", "backup_progress",
 *   "log", "internal_error" and "closed" are not stored: their seq is 0, and they cannot
 *   be acknowledged. Of unread "network_changed" events only the latest is kept, and of
 *   unread "peer_changed" events the latest of each peer. "closed" is the last event
 *   of a client. While the store is suspended, stored events are not delivered.
 *   At most 20,000 stored events (engine.max_events), and 32 MiB of them, wait for
 *   acknowledgement. Beyond that the oldest are dropped, and one "overflow" event
 *   in their place tells which. Strangers have only a small share of this space
 *   ("events_withheld"). Once contacts.block has returned, no event about that
 *   person is delivered any more, not even one that was already waiting.
 *   There are three ways to receive events, and they may be mixed:
 *     status1to1_next_event          wait in a thread of your own
 *     status1to1_event_fd            wait in your event loop, then read them with
 *                                    status1to1_next_event(client, 0)
 *     status1to1_set_event_callback  be called from a thread of the library
 *
 * FORK
 *   The library runs threads, which do not survive fork(). In a forked child every
 *   function fails with "forked" (status1to1_event_fd returns -1;
 *   status1to1_free still works). Load the library after forking, or start another
 *   program (exec, posix_spawn).
 *   With Python's multiprocessing use the "spawn" start method.
 *
 * SIGNALS
 *   The library contains the Go runtime. It handles SIGSEGV, SIGBUS and SIGFPE
 *   caused by its own code, and passes those caused by other code on to the
 *   handlers that were installed before. It uses SIGURG to interrupt its own
 *   threads: a SIGURG handler installed before the library was loaded is no longer
 *   called. A handler installed afterwards is called, also for the signals of the
 *   runtime, which works without receiving them. SIGINT, SIGTERM, SIGPIPE, SIGCHLD,
 *   SIGPROF and all other signals behave as you have set them, including Ctrl-C in
 *   Python. A signal may arrive on a thread of the library: install handlers with
 *   SA_ONSTACK, and let them wake your main loop through a pipe instead of by
 *   interrupting a call.
 *
 * UNLOADING
 *   The library stays loaded until the process ends; dlclose() is accepted and
 *   does nothing.
 *
 * PANICS
 *   A call that meets a defect inside the library fails with "internal" and a
 *   details.report_id. The client it happened in is closed; the process goes on.
 *
 * OUTPUT
 *   The library writes nothing to stdout or stderr. "log" in the configuration
 *   sends the log to a file, to events or, by default, nowhere.
 */
#ifndef STATUS1TO1_H
#define STATUS1TO1_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__) || defined(__clang__)
#define STATUS1TO1_API __attribute__((visibility("default")))
#else
#define STATUS1TO1_API
#endif

/* The ABI version this header describes (VERSIONS, above). */
#define STATUS1TO1_ABI_VERSION 1u

/* A handle of an open client. */
typedef uint64_t status1to1_client;

/* An event callback. event_json is what status1to1_next_event would have returned;
 * it is valid only during the call. */
typedef void (*status1to1_event_fn)(status1to1_client client, const char *event_json, void *user_data);

/* The ABI version of the loaded library. Compare it with STATUS1TO1_ABI_VERSION
 * when you load the library at run time. */
STATUS1TO1_API uint32_t status1to1_abi_version(void);

/* The version, the build and the implemented specifications: the result is an Info (OBJECTS,
 * below). "strings_held" is the number of strings you have not freed yet, which helps to
 * find leaks. */
STATUS1TO1_API char *status1to1_info(void);

/* The schema: an OpenRPC document of all methods, events and error codes.
 * This header and docs/c-api.md have the same content. */
STATUS1TO1_API char *status1to1_schema(void);

/* Opens a client with the configuration config_json (CONFIGURATION, below)
 * and puts its handle into *out, or 0 if it fails. The network starts, and messages
 * that wait in the store are sent. The result, an OpenResult, has the handle and the
 * identity in the store. If the identity is null, there is none yet: call identity.create,
 * identity.restore or identity.import. Neither argument may be NULL. */
STATUS1TO1_API char *status1to1_open(const char *config_json, status1to1_client *out);

/* Calls a method by name: "messages.send". NULL, "" and "{}" mean no parameters.
 * The wrappers at the end of this header call it for you. */
STATUS1TO1_API char *status1to1_call(status1to1_client client, const char *method, const char *params_json);

/* Waits for the next event, at most timeout_ms milliseconds: 0 returns at once, and
 * a negative number waits forever. The result is null if no event came in that time.
 * If the client is closed during the wait, one waiting thread receives the "closed"
 * event and the others the error "closed". Events that are not stored and were unread
 * when the client was closed, "closed" being the last, can still be read afterwards; the
 * library keeps them for the last 64 closed clients. Stored ones come again after the next
 * open. Once "closed" was read, the error is "bad_client". */
STATUS1TO1_API char *status1to1_next_event(status1to1_client client, int32_t timeout_ms);

/* A file descriptor that is readable while undelivered events wait, for poll,
 * epoll, select, kqueue and event loops; -1 if there is no such client. It is the
 * same for every call, belongs to the library and is valid until status1to1_close
 * returns: stop watching it before you close the client. Do not read, write or close
 * it; call status1to1_next_event(client, 0) until its result is null. If you close it
 * all the same, the library notices and does not touch another file that got the same
 * number. */
STATUS1TO1_API int status1to1_event_fd(status1to1_client client);

/* Sets the event callback: from now on fn is called with every event, on one thread of
 * the library, one call at a time. fn NULL removes the callback. The function returns
 * once the last call of the previous callback has ended, so that you may free its
 * user_data. If that takes longer than 10 seconds, the answer is "timeout": the
 * previous callback is not called again, but keep what it uses until its running call
 * returns.
 * A callback may call every function for every client, including this one and
 * status1to1_close. When called from a callback, these two do not wait for any
 * callback to end. A callback that replaces or removes itself is not called again after
 * it returns. In a callback, do not wait for a thread that is setting a callback or
 * closing a client.
 * The callback must return: no C++ exception and no longjmp may leave it. */
STATUS1TO1_API char *status1to1_set_event_callback(status1to1_client client, status1to1_event_fn fn, void *user_data);

/* Closes a client. Running calls end with the error "closed", waiting threads wake up,
 * and the event stream ends with one "closed" event. Store and network are released
 * when this returns, and a callback has then received the "closed" event. Two cases
 * differ: called from a callback of any client, it does not wait for callbacks; and if
 * a callback takes longer than 10 seconds, the client is closed all the same and the
 * answer is "timeout" (see status1to1_set_event_callback).
 * Closing a client twice is not an error. */
STATUS1TO1_API char *status1to1_close(status1to1_client client);

/* Frees a string returned by this library. NULL is allowed. */
STATUS1TO1_API void status1to1_free(char *s);

/* From here on: one function for each method, in the order of the table of methods, then what
 * events, objects and error codes mean. params_json is a JSON object with the parameters; NULL is
 * fine if none is required. Its type and whether it may be left out ("optional") stand behind the
 * name of a parameter; "not always" is said of a field that an answer may lack. An object with a
 * name, such as Message, is described under OBJECTS. */
/* generated:begin - by internal/genapi; do not edit */

/* CONFIGURATION - The JSON that status1to1_open takes is a Config. What is optional may be left
 * out. */

/* Config is the configuration that open takes.
 *   store (StoreConfig) is the place where the client keeps its data.
 *   network (NetworkConfig, optional) is the way messages travel.
 *   engine (EngineConfig, optional) changes timings and limits. Leave it out for the defaults.
 *   log (LogConfig, optional) turns diagnostic output on. Without it the library logs nothing. */

/* StoreConfig selects the place where the client keeps its data.
 *   kind (StoreKind, optional) is "file" (the default) or "memory". A memory store is lost at
 *       close; it is meant for tests.
 *   path (string, optional) is the path of the file. A missing file is created; its directory must
 *       exist.
 *   passphrase (string, secret, optional) unlocks the file. Give either a passphrase or a key. All
 *       Unicode normal forms of the same text count as the same passphrase.
 *   key (base64, secret, optional) unlocks the file instead of a passphrase: 32 bytes in standard
 *       base64, for example from the system's keychain.
 *   kdf (KDFConfig, optional) sets how costly it is to derive the key from the passphrase, when the
 *       file is created. Leave it out for the defaults. store.change_passphrase never makes it
 *       cheaper than it was. */

/* KDFConfig sets the cost of Argon2id when a store file is created.
 *   memory_kib (integer, 8..524288) is the memory in KiB, at least 8 for each lane.
 *   iterations (integer, 1..16) is the number of passes.
 *   parallelism (integer, 1..16) is the number of lanes. */

/* NetworkConfig selects the way messages travel.
 *   kind (NetworkKind, optional) is "waku" (the default), a Waku node in this process; "memory", a
 *       network inside this process that connects all clients naming the same network, which is
 *       meant for tests; or "external", where the program carries the envelopes itself: see
 *       envelope_outgoing, network.published and network.deliver.
 *   preset (NetworkPreset, optional) names a known network. Every field below that is left out is
 *       taken from it. "status.prod" is the network of the Status app and needs nothing else.
 *       "local" is for nodes on one machine: they listen on a free port of 127.0.0.1 and name each
 *       other in peers. A list that is given replaces the list of the preset; [] empties it.
 *       Without a preset the node looks for nobody and only keeps its peers. Only for "waku".
 *   mode (NetworkMode, optional) selects how the node takes part in the network. "relay" (the
 *       default) receives everything on its shards and passes it on. "light" is meant for phones:
 *       it receives what it has subscribed to at service nodes (12/WAKU2-FILTER), publishes through
 *       them (19/WAKU2-LIGHTPUSH), listens on no address, and costs a fraction of the traffic;
 *       service nodes learn which topics it listens to. "auto" is "light" on Android and iOS and
 *       "relay" elsewhere. Only for "waku".
 *   listen (list of string, optional) lists the multiaddresses to listen on, such as
 *       /ip4/0.0.0.0/tcp/60000; port 0 picks any free port. With addresses, the peer id is kept in
 *       the store. Without any, the node only dials its peers and has a new peer id at each start.
 *       Only for "waku".
 *   peers (list of string, optional) lists the multiaddresses of peers to stay connected to, each
 *       ending in /p2p/<peer id>. Only for "waku".
 *   store_peers (list of string, optional) lists the multiaddresses of store nodes
 *       (13/WAKU2-STORE), each ending in /p2p/<peer id>, at most 64. They are connected to when
 *       they are needed, and are asked before other peers that store. Only for "waku".
 *   cluster (integer, 1..65535, optional) is the Waku cluster. Default: 16, the Status fleet's.
 *   shards (list of integer, optional) lists the shards in the cluster, each from 0 to 1023, at
 *       most 8. The node listens on all of them and publishes on the first that has peers. Default:
 *       [32]; [32, 0] in the presets.
 *   shard (integer, 1..1023, optional) is a single shard, instead of shards.
 *   dns_discovery (list of string, optional) lists trees of node records in the DNS (EIP-1459),
 *       each as enrtree://<key>@<domain>, at most 8. What the key has not signed is not used. Only
 *       for "waku".
 *   peer_exchange (boolean, optional) turns on asking peers for other peers
 *       (34/WAKU2-PEER-EXCHANGE). Only for "waku".
 *   discv5 (boolean, optional) turns on asking anybody for peers over UDP (33/WAKU2-DISCV5). It is
 *       used while there are too few peers and nobody else knows more, and begins with the nodes of
 *       dns_discovery and those that peers name. Only for "waku".
 *   nameserver (string, optional) is the DNS server to ask, as <IP address>:<port>. Default: the
 *       system's, which is not known on Android. Only for "waku".
 *   max_message_size (integer, 4096..1048576, optional) is the size of the largest WakuMessage in
 *       bytes. Default: 153600; 1048576 in the presets.
 *   memory (MemoryNetworkConfig, optional) configures the memory network. */

/* MemoryNetworkConfig configures a network in memory. The first client that names a network decides
 * how it behaves.
 *   name (string, optional) identifies the network inside this process. Default: "".
 *   seed (integer, 0..9007199254740991, optional) makes loss, duplication and reordering
 *       repeatable.
 *   loss (number, 0..1, optional) is the share of envelopes that is lost, decided for each
 *       receiver.
 *   duplicate (number, 0..1, optional) is the share of envelopes that arrives twice.
 *   reorder (number, 0..1, optional) is the share of envelopes that arrives late.
 *   stores (integer, 0..8, optional) is the number of store nodes: with one or more, what is
 *       published while a client is closed or away is there for it when it comes back, for 30 days. */

/* EngineConfig changes timings and limits.
 *   resend_base_ms (integer, 10..86400000, optional) is the time in ms to wait for an
 *       acknowledgement before a message is sent again. It doubles with each attempt. It is shorter
 *       for people who were heard from a short while ago and acknowledge fast, but not shorter than
 *       5 seconds or this value, whichever is less. After 65535 times this value, 20 days 12 hours
 *       by default, the message has failed as "undeliverable". Default: 27000.
 *   ack_delay_ms (integer, 1..60000, optional) is the time in ms that an acknowledgement waits for
 *       others, so that they travel together. It waits longer, 3.4 s at most, if many went to the
 *       same person just before. Default: 300.
 *   contact_code_every_ms (integer, 1000..604800000, optional) is the time in ms after which the
 *       contact code is published again. Default: 6 hours.
 *   advertise_every_ms (integer, 100..604800000, optional) is the shortest time between two
 *       messages that tell the same device about this installation, in ms. Such messages go to
 *       devices that write to us but leave this installation out. Default: 2 hours.
 *   max_installations (integer, 1..16, optional) is the number of devices of one person that
 *       receive messages: those seen most recently. For our own identity it includes this device.
 *       Default: 3.
 *   max_events (integer, 16..1000000, optional) is the number of events that may wait for
 *       acknowledgement. Beyond that, or beyond 32 MiB of them, an overflow event replaces the
 *       oldest. Default: 20000.
 *   strangers (Strangers, optional) selects the treatment of people who write to us unasked:
 *       "allow" (the default) delivers their messages; "request" shows only their contact requests,
 *       and anything else they write waits in a chat request (see chats.list and
 *       chat_request_received); "deny" ignores their messages without decrypting them.
 *   keep_edits (boolean, optional) keeps the earlier texts of messages that were edited, up to 20
 *       and 32 KiB of each message. Default: false. */

/* LogConfig configures diagnostic output.
 *   level (LogLevel, optional) is the lowest level that is logged: "debug", "info" (the default),
 *       "warn" or "error".
 *   file (string, optional) is the path of a file that receives one JSON object per line. A missing
 *       file is created with mode 0600. It must not be a symbolic link.
 *   events (boolean, optional) turns log events on. */

/* ---- identity ---- */

/* identity.create: Creates an identity from a new seed phrase.
 * Parameters:
 *   words (integer, 12..24, optional) is the number of words in the seed phrase: 12, 15, 18, 21 or
 *       24. Default: 12.
 *   language (Language, optional) is the word list of the seed phrase: "english" (the default, and
 *       the only one the Status app can read), "chinese_simplified", "chinese_traditional",
 *       "czech", "french", "italian", "japanese", "korean" or "spanish".
 *   display_name (string, optional) is the name other people see, at most 24 code points. It is
 *       sent along with messages.
 * Result:
 *   identity (IdentityInfo) is the new identity.
 *   phrase (string, secret) is the seed phrase (BIP39). Anyone who has it can use the identity: ask
 *       the user to write it down and keep it secret. identity.phrase shows it again.
 * Since 0.1.0; may be repeated if the answer was lost
 * Errors: identity_exists, empty, too_long, store_io, store_corrupt, store_suspended */
static inline char *status1to1_identity_create(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "identity.create", params_json);
}

/* identity.restore: Restores an identity from its seed phrase.
 * Parameters:
 *   phrase (string, secret) is the BIP39 seed phrase, in any BIP39 language. Upper and lower case
 *       and the spacing between words do not matter.
 *   passphrase (string, secret, optional) is the optional BIP39 passphrase; Status does not use
 *       one.
 *   display_name (string, optional) is the name other people see, at most 24 code points.
 * Result: IdentityInfo
 * Since 0.1.0; may be repeated if the answer was lost
 * Errors: bad_phrase, identity_exists, empty, too_long, store_io, store_corrupt, store_suspended */
static inline char *status1to1_identity_restore(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "identity.restore", params_json);
}

/* identity.import: Imports an identity by its private chat key.
 * Parameters:
 *   private_key (private key, secret) is the secp256k1 private chat key, 64 hex digits with or
 *       without 0x.
 *   display_name (string, optional) is the name other people see, at most 24 code points.
 * Result: IdentityInfo
 * Since 0.1.0; may be repeated if the answer was lost
 * Errors: bad_key, identity_exists, empty, too_long, store_io, store_corrupt, store_suspended */
static inline char *status1to1_identity_import(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "identity.import", params_json);
}

/* identity.get: Returns the identity of this client.
 * Parameters: none
 * Result: IdentityInfo
 * Since 0.1.0; may be repeated: that changes nothing more
 * Errors: no_identity, store_io, store_corrupt, store_suspended */
static inline char *status1to1_identity_get(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "identity.get", params_json);
}

/* identity.set_display_name: Changes our display name.
 * Parameters:
 *   display_name (string) is the new name, at most 24 code points; "" removes the name.
 * Result: IdentityInfo
 * Since 0.1.0; may be repeated: that changes nothing more
 * Errors: no_identity, empty, too_long, store_io, store_corrupt, store_suspended */
static inline char *status1to1_identity_set_display_name(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "identity.set_display_name", params_json);
}

/* identity.phrase: Returns the seed phrase, given the passphrase or key of the store.
 * Parameters:
 *   passphrase (string, secret, optional) is the passphrase of the store. Leave it out for a memory
 *       store.
 *   key (base64, secret, optional) is the key of a store that was created with a key.
 *   forget (boolean, optional) erases the phrase from the store after returning it: it cannot be
 *       shown again.
 * Result:
 *   phrase (string, secret) is the seed phrase.
 * Since 0.1.0; may be repeated if the answer was lost
 * Errors: no_identity, wrong_passphrase, not_found, store_io, store_corrupt, store_suspended */
static inline char *status1to1_identity_phrase(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "identity.phrase", params_json);
}

/* identity.delete: Destroys the identity and everything stored: the keys are erased, and the file
 * and any copies a migration has left beside it are overwritten and removed. The client is then
 * closed.
 * Parameters:
 *   passphrase (string, secret, optional) is the passphrase of the store. Leave it out for a memory
 *       store.
 *   key (base64, secret, optional) is the key of a store that was created with a key.
 * Result: {}
 * Since 0.1.0; may be repeated if the answer was lost
 * Errors: no_identity, wrong_passphrase, store_locked, store_io, store_corrupt, store_suspended */
static inline char *status1to1_identity_delete(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "identity.delete", params_json);
}

/* ---- profile ---- */

/* profile.get: Returns our profile and the Status link to it.
 * Parameters: none
 * Result: Profile
 * Since 0.1.0; may be repeated: that changes nothing more
 * Errors: no_identity, store_io, store_corrupt, store_suspended */
static inline char *status1to1_profile_get(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "profile.get", params_json);
}

/* profile.set: Changes our profile.
 * Parameters:
 *   display_name (string, optional) is the name other people see, at most 24 code points. The
 *       Status app only shows names of 5 to 24 characters: letters a to z, digits, spaces, _ and -.
 *   bio (string, optional) is a text about ourselves, at most 240 code points.
 *   color (integer, 0..17, optional) is the accent colour in the Status app, 4 (blue) at first.
 *   picture (base64, optional) is a JPEG, PNG, GIF or WebP image of at most 38400 bytes and 1024
 *       pixels a side. The Status app's own pictures are squares of 240 pixels. Only contacts
 *       receive it. "" removes the picture.
 * Result: Profile
 * Since 0.1.0; may be repeated: that changes nothing more
 * Errors: no_identity, empty, too_long, bad_picture, store_io, store_corrupt, store_suspended */
static inline char *status1to1_profile_set(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "profile.set", params_json);
}

/* ---- presence ---- */

/* presence.get: Returns how we are to be seen, as it is published.
 * Parameters: none
 * Result: PresenceResult
 * Since 0.1.0; may be repeated: that changes nothing more
 * Errors: no_identity, store_io, store_corrupt, store_suspended */
static inline char *status1to1_presence_get(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "presence.get", params_json);
}

/* presence.set: Publishes how we are to be seen, until it is set to off, also after a restart.
 * Nothing is published unless this is called. Everybody who knows our key can read it, and see when
 * this client is online. What was published before stays with those who read it: contacts go on to
 * see its online_until. What contacts publish is in contacts.get and reported by presence_changed
 * events.
 * Parameters:
 *   status (PresenceChoice) is "automatic" (there while this client is open and online; repeated
 *       every five minutes), "always_online", "do_not_disturb", "inactive", or "off", which ends
 *       the publishing.
 *   text (string, optional) is a text beside it, at most 128 code points.
 * Result: PresenceResult
 * Since 0.1.0; may be repeated: that changes nothing more
 * Errors: no_identity, too_long, empty, store_io, store_corrupt, store_suspended */
static inline char *status1to1_presence_set(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "presence.set", params_json);
}

/* ---- contacts ---- */

/* contacts.add: Adds a person to the address book or changes their name there. Nothing is sent to
 * them: to ask somebody to be a contact, use contacts.request.
 * Parameters:
 *   key (key) is the person's public key, in any accepted form.
 *   name (string, optional) is the name you give this person, at most 100 code points.
 * Result: Contact
 * Since 0.1.0; may be repeated: that changes nothing more
 * Errors: no_identity, bad_key, self, empty, too_long, blocked, store_io, store_corrupt,
 *     store_suspended */
static inline char *status1to1_contacts_add(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "contacts.add", params_json);
}

/* contacts.get: Returns what is known about one person.
 * Parameters:
 *   key (key) is the person's public key, in any accepted form.
 * Result: Contact
 * Since 0.1.0; may be repeated: that changes nothing more
 * Errors: no_identity, bad_key, not_found, store_io, store_corrupt, store_suspended */
static inline char *status1to1_contacts_get(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "contacts.get", params_json);
}

/* contacts.list: Lists everybody known, including people who only wrote to us.
 * Parameters:
 *   cursor (string, optional) is next of the previous page; "" or left out for the first page.
 *   limit (integer, 1..200, optional) is the largest number of items to return. Default: 50.
 * Result:
 *   items (list of Contact) are the contacts.
 *   next (string) is the cursor of the next page, "" on the last one.
 * Since 0.1.0; may be repeated: that changes nothing more
 * Errors: no_identity, bad_cursor, store_io, store_corrupt, store_suspended */
static inline char *status1to1_contacts_list(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "contacts.list", params_json);
}

/* contacts.set_key_exchange: Chooses what protects our messages to a person: X3DH (53/WAKU2-X3DH),
 * which the Status app knows, or Noise (35/WAKU2-NOISE). With Noise, messages wait until their
 * device has answered a handshake; a message that waits shows waiting = "waiting_for_peer". What
 * they send is read by either. A finished handshake of theirs changes x3dh to noise unless
 * something was chosen here; nothing else changes it, and each change is a key_exchange_changed
 * event.
 * Parameters:
 *   key (key) is the person's public key, in any accepted form.
 *   key_exchange (KeyExchange) is what protects our messages to them from now on: "x3dh" or
 *       "noise".
 *   while_waiting (WhileWaiting, optional) says what becomes of messages to a device with which a
 *       Noise handshake is pending: they "wait", as at first, or go by "x3dh". Left out, it stays
 *       as it is.
 * Result: Contact
 * Since 0.1.0; may be repeated: that changes nothing more
 * Errors: no_identity, bad_key, self, too_many, not_found, blocked, store_io, store_corrupt,
 *     store_suspended */
static inline char *status1to1_contacts_set_key_exchange(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "contacts.set_key_exchange", params_json);
}

/* contacts.remove: Removes a person from the address book, withdraws our contact request or
 * acceptance, and tells them so. The chat is kept, and the person stays known with added = false.
 * Parameters:
 *   key (key) is the person's public key, in any accepted form.
 * Result: {}
 * Since 0.1.0; may be repeated if the answer was lost
 * Errors: no_identity, bad_key, self, too_many, not_found, store_io, store_corrupt, store_suspended */
static inline char *status1to1_contacts_remove(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "contacts.remove", params_json);
}

/* ---- identity ---- */

/* identity.card: Makes a contact card of this device, for a QR code or as a link. It proves whose
 * it is, and whoever adds it can write to us at once: nothing has to be fetched first. Each call
 * makes another card, with a secret of its own. Whoever sees a card can use it until it expires.
 * Parameters:
 *   display_name (boolean, optional): display_name: false leaves our display name out of the card.
 *       Default: true.
 *   life (integer, 60..1814400, optional) is the time for which the card is valid, in seconds: 60
 *       to 1814400 (21 days). Default: 604800 (7 days).
 *   key_exchange (KeyExchange, optional) is what whoever adds the card uses, unless they choose
 *       otherwise: "x3dh" or "noise". Default: "x3dh".
 * Result:
 *   card (string, secret) is the card as text for a QR code: STATUS-CARD:... It has only characters
 *       of the alphanumeric mode of QR codes, which keeps the code small.
 *   link (string, secret) is the same card in a Status link. The Status app reads the link, ignores
 *       the card in it, and goes by the key.
 *   short_link (string) is the Status link with the key alone: for print, since it does not expire.
 *   expires_at (integer): when the card expires
 *   bytes (integer): the size of the card in binary
 * Since 0.1.0
 * Errors: no_identity, wrong_state, store_io, store_corrupt, store_suspended */
static inline char *status1to1_identity_card(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "identity.card", params_json);
}

/* ---- contacts ---- */

/* contacts.add_card: Adds a person by their contact card to the address book, marks them verified,
 * and learns the keys for the first message. Nothing is sent or fetched. A card can be added once.
 * Parameters:
 *   card (string, secret, optional) is the text of a QR code, or a link with a card in it. Give
 *       this or image.
 *   image (base64, optional) holds the bytes of a PNG or JPEG with the QR code in it, such as a
 *       photo, at most 16 MiB and 13 megapixels.
 *   name (string, optional) is the name you give this person, at most 100 code points. Default: the
 *       name stays as it is.
 *   verify (boolean, optional): verify: false leaves the person unverified. Use it for a card that
 *       came by a way that others could have used, such as a public page or a forwarded message.
 *       Default: true.
 *   key_exchange (KeyExchange, optional) is "x3dh" or "noise". Default: what the card says.
 * Result:
 *   contact (Contact): the person, now in the address book
 *   devices (list of string) are the installation ids of the devices that can be written to by the
 *       keys of the card. There are none if newer keys were known.
 *   key_exchange (KeyExchange) is "x3dh" or "noise": what the chat with this person begins with.
 *   expires_at (integer): when the card expires
 * Since 0.1.0; may be repeated if the answer was lost
 * Errors: no_identity, bad_card, bad_picture, blocked, empty, too_long, too_many, store_io,
 *     store_corrupt, store_suspended
 * The parameters may have up to 22386008 bytes. */
static inline char *status1to1_contacts_add_card(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "contacts.add_card", params_json);
}

/* contacts.request: Asks a person to be a contact. Until they accept, the Status app does not show
 * them our other messages.
 * Parameters:
 *   key (key) is their public key, in any accepted form.
 *   text (string) is the message sent with the request: 1 to 4096 code points.
 * Result: Message
 * Since 0.1.0
 * Errors: no_identity, bad_key, self, too_many, empty, too_long, too_large, blocked, wrong_state,
 *     store_io, store_corrupt, store_suspended */
static inline char *status1to1_contacts_request(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "contacts.request", params_json);
}

/* contacts.accept: Accepts a person's contact request.
 * Parameters:
 *   key (key) is the person's public key, in any accepted form.
 * Result: Contact
 * Since 0.1.0; may be repeated if the answer was lost
 * Errors: no_identity, bad_key, self, too_many, blocked, wrong_state, store_io, store_corrupt,
 *     store_suspended */
static inline char *status1to1_contacts_accept(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "contacts.accept", params_json);
}

/* contacts.decline: Declines a person's contact request. They are not told.
 * Parameters:
 *   key (key) is the person's public key, in any accepted form.
 * Result: Contact
 * Since 0.1.0; may be repeated if the answer was lost
 * Errors: no_identity, bad_key, self, too_many, wrong_state, store_io, store_corrupt,
 *     store_suspended */
static inline char *status1to1_contacts_decline(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "contacts.decline", params_json);
}

/* contacts.retract: Withdraws our contact request or acceptance. The person is told and stays in
 * the address book.
 * Parameters:
 *   key (key) is the person's public key, in any accepted form.
 * Result: Contact
 * Since 0.1.0; may be repeated if the answer was lost
 * Errors: no_identity, bad_key, self, too_many, wrong_state, store_io, store_corrupt,
 *     store_suspended */
static inline char *status1to1_contacts_retract(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "contacts.retract", params_json);
}

/* contacts.block: Blocks a person: everything they send is ignored. They are not told.
 * Parameters:
 *   key (key) is the person's public key, in any accepted form.
 * Result: Contact
 * Since 0.1.0; may be repeated: that changes nothing more
 * Errors: no_identity, bad_key, self, too_many, store_io, store_corrupt, store_suspended */
static inline char *status1to1_contacts_block(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "contacts.block", params_json);
}

/* contacts.unblock: Unblocks a person. They are not in the address book and no contact, as after
 * contacts.remove; a verification is kept.
 * Parameters:
 *   key (key) is the person's public key, in any accepted form.
 * Result: Contact
 * Since 0.1.0; may be repeated: that changes nothing more
 * Errors: no_identity, bad_key, self, too_many, not_found, store_io, store_corrupt, store_suspended */
static inline char *status1to1_contacts_unblock(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "contacts.unblock", params_json);
}

/* contacts.safety_number: Returns the safety number, which two people compare to verify each
 * other's key, and the Status link to the other person.
 * Parameters:
 *   key (key) is the person's public key, in any accepted form.
 * Result:
 *   safety_number (string) is the number to compare: 60 digits in groups of five, the same for both
 *       people.
 *   chat_key (string): their chat key, zQ3sh...
 *   link (string): the Status link to them: https://status.app/u#zQ3sh...
 *   color_hash (list of Segment) is the coloured ring around their picture in the Status app.
 *   color_id (integer) is their colour in the Status app, 0 to 10.
 *   own_color_hash (list of Segment) is the ring they see around our picture.
 *   own_color_id (integer) is the colour they see for us.
 * Since 0.1.0; may be repeated: that changes nothing more
 * Errors: no_identity, bad_key, self */
static inline char *status1to1_contacts_safety_number(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "contacts.safety_number", params_json);
}

/* contacts.verify: Marks a person as verified, if the safety number they see is the same as ours.
 * Parameters:
 *   key (key) is their public key, in any accepted form.
 *   safety_number (string) is the number shown on the other person's device, read out or typed by a
 *       person: 60 digits. Spaces between them do not matter.
 * Result: Contact
 * Since 0.1.0; may be repeated: that changes nothing more
 * Errors: no_identity, bad_key, self, too_many, not_verified, store_io, store_corrupt,
 *     store_suspended */
static inline char *status1to1_contacts_verify(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "contacts.verify", params_json);
}

/* contacts.unverify: Removes the mark that a person is verified.
 * Parameters:
 *   key (key) is the person's public key, in any accepted form.
 * Result: Contact
 * Since 0.1.0; may be repeated: that changes nothing more
 * Errors: no_identity, bad_key, self, too_many, store_io, store_corrupt, store_suspended */
static inline char *status1to1_contacts_unverify(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "contacts.unverify", params_json);
}

/* contacts.ask: Asks a contact a question that only they can answer, to verify them. It replaces
 * our previous question to them.
 * Parameters:
 *   key (key) is their public key, in any accepted form.
 *   question (string) is a question that only this contact can answer, at most 280 bytes.
 * Result: Verification
 * Since 0.1.0
 * Errors: no_identity, bad_key, self, too_many, empty, too_long, wrong_state, store_io,
 *     store_corrupt, store_suspended */
static inline char *status1to1_contacts_ask(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "contacts.ask", params_json);
}

/* contacts.answer: Answers a contact's question.
 * Parameters:
 *   key (key) is their public key, in any accepted form.
 *   answer (string) is the answer to their question, at most 280 bytes.
 * Result: Verification
 * Since 0.1.0; may be repeated if the answer was lost
 * Errors: no_identity, bad_key, self, too_many, empty, too_long, wrong_state, store_io,
 *     store_corrupt, store_suspended */
static inline char *status1to1_contacts_answer(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "contacts.answer", params_json);
}

/* contacts.refuse_question: Tells a contact that we will not answer their question.
 * Parameters:
 *   key (key) is the person's public key, in any accepted form.
 * Result: Verification
 * Since 0.1.0; may be repeated if the answer was lost
 * Errors: no_identity, bad_key, self, too_many, wrong_state, store_io, store_corrupt,
 *     store_suspended */
static inline char *status1to1_contacts_refuse_question(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "contacts.refuse_question", params_json);
}

/* contacts.cancel_question: Withdraws our question to a contact.
 * Parameters:
 *   key (key) is the person's public key, in any accepted form.
 * Result: Verification
 * Since 0.1.0; may be repeated if the answer was lost
 * Errors: no_identity, bad_key, self, too_many, wrong_state, store_io, store_corrupt,
 *     store_suspended */
static inline char *status1to1_contacts_cancel_question(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "contacts.cancel_question", params_json);
}

/* contacts.confirm_answer: Tells whether a contact's answer was right. If it was, they are marked
 * as verified. They are not told.
 * Parameters:
 *   key (key) is their public key, in any accepted form.
 *   right (boolean) is true if the answer is right.
 * Result: Verification
 * Since 0.1.0; may be repeated if the answer was lost
 * Errors: no_identity, bad_key, self, too_many, wrong_state, store_io, store_corrupt,
 *     store_suspended */
static inline char *status1to1_contacts_confirm_answer(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "contacts.confirm_answer", params_json);
}

/* contacts.verifications: Lists the latest question in each direction between a person and us.
 * Parameters:
 *   key (key) is the person's public key, in any accepted form.
 * Result:
 *   items (list of Verification) are the latest question in each direction: ours first.
 * Since 0.1.0; may be repeated: that changes nothing more
 * Errors: no_identity, bad_key, store_io, store_corrupt, store_suspended */
static inline char *status1to1_contacts_verifications(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "contacts.verifications", params_json);
}

/* contacts.picture: Returns the profile picture a person has sent us.
 * Parameters:
 *   key (key) is the person's public key, in any accepted form.
 * Result: ProfilePicture
 * Since 0.1.0; may be repeated: that changes nothing more
 * Errors: no_identity, bad_key, not_found, store_io, store_corrupt, store_suspended */
static inline char *status1to1_contacts_picture(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "contacts.picture", params_json);
}

/* ---- chats ---- */

/* chats.list: Lists the conversations, the one with the newest message first. With requests set, it
 * lists the chat requests instead: conversations with strangers, people we have not added,
 * accepted, asked to be a contact or written to. If engine.strangers is "request", chat requests
 * are listed only there; if it is "allow", they are in both lists. One stranger can leave up to 100
 * messages and 64 KiB of texts, pictures and recordings, and a contact request after that. Further
 * messages are refused without an acknowledgement, so that the sender repeats them and they arrive
 * once the stranger is accepted, added or written to. At most 1000 strangers are kept. Archived
 * chats are listed only with archived set, and stay archived when something new comes. A chat that
 * was deleted is listed again when something new comes.
 * Parameters:
 *   cursor (string, optional) is next of the previous page; "" or left out for the first page.
 *   limit (integer, 1..200, optional) is the largest number of items to return. Default: 50.
 *   requests (boolean, optional) selects the chat requests, chats of strangers that wait for an
 *       answer, instead of the chats.
 *   archived (boolean, optional) selects the archived ones of them instead of those that are not
 *       archived.
 * Result:
 *   items (list of Chat) are the chats.
 *   next (string) is the cursor of the next page, "" on the last one.
 * Since 0.1.0; may be repeated: that changes nothing more
 * Errors: no_identity, bad_cursor, store_io, store_corrupt, store_suspended */
static inline char *status1to1_chats_list(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "chats.list", params_json);
}

/* chats.get: Returns one conversation. It also has the draft of one that nobody wrote in yet.
 * Parameters:
 *   key (key) is the person's public key, in any accepted form.
 * Result: Chat
 * Since 0.1.0; may be repeated: that changes nothing more
 * Errors: no_identity, bad_key, not_found, store_io, store_corrupt, store_suspended */
static inline char *status1to1_chats_get(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "chats.get", params_json);
}

/* chats.mark_read: Marks messages of a conversation as read, and ends chats.mark_unread. A message
 * that comes later and was written before what is marked is unread all the same, unless this
 * identity has other devices: what one of them has read counts as read on all.
 * Parameters:
 *   key (key) is the other person's public key, in any accepted form.
 *   up_to (message id, optional) is the id of the newest message that was read. Left out, all
 *       messages are marked as read.
 * Result: Chat
 * Since 0.1.0; may be repeated: that changes nothing more
 * Errors: no_identity, bad_key, self, not_found, store_io, store_corrupt, store_suspended */
static inline char *status1to1_chats_mark_read(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "chats.mark_read", params_json);
}

/* chats.mark_unread: Marks a conversation as unread, to come back to it. It sets marked_unread of
 * the chat and changes no message.
 * Parameters:
 *   key (key) is the person's public key, in any accepted form.
 * Result: Chat
 * Since 0.1.0; may be repeated: that changes nothing more
 * Errors: no_identity, bad_key, self, store_io, store_corrupt, store_suspended */
static inline char *status1to1_chats_mark_unread(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "chats.mark_unread", params_json);
}

/* chats.mute: Mutes a conversation, or ends that. Its messages and events come as before: it is up
 * to the program to be quiet about a chat whose muted is true.
 * Parameters:
 *   key (key) is the other person's public key, in any accepted form.
 *   muted (boolean) is true to mute the chat, and false to end that.
 *   until (integer, optional) is the time at which it is no longer muted, in ms since 1970; 0 or
 *       left out is never.
 * Result: Chat
 * Since 0.1.0; may be repeated: that changes nothing more
 * Errors: no_identity, bad_key, self, store_io, store_corrupt, store_suspended */
static inline char *status1to1_chats_mute(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "chats.mute", params_json);
}

/* chats.archive: Archives a conversation, or takes it out of the archive.
 * Parameters:
 *   key (key) is the other person's public key, in any accepted form.
 *   archived (boolean) is true to archive the chat, and false to take it out of the archive.
 * Result: Chat
 * Since 0.1.0; may be repeated: that changes nothing more
 * Errors: no_identity, bad_key, self, store_io, store_corrupt, store_suspended */
static inline char *status1to1_chats_archive(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "chats.archive", params_json);
}

/* chats.draft: Keeps a text that is not sent yet with its conversation. Sending a message does not
 * change it.
 * Parameters:
 *   key (key) is the other person's public key, in any accepted form.
 *   text (string) is the draft: at most 8192 code points; "" is none.
 * Result: Chat
 * Since 0.1.0; may be repeated: that changes nothing more
 * Errors: no_identity, bad_key, self, too_long, store_io, store_corrupt, store_suspended */
static inline char *status1to1_chats_draft(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "chats.draft", params_json);
}

/* chats.clear: Erases all messages of a conversation on the devices of this identity; the other
 * person keeps theirs. What is not delivered yet is no longer sent. The chat is empty when the call
 * returns. Its messages are erased from the store right after that, also across restarts; clearing
 * of the chat is the number of those left, and a chat_changed event tells when many are erased. A
 * message that was written before the newest one and comes later does not appear.
 * Parameters:
 *   key (key) is the person's public key, in any accepted form.
 * Result: Chat
 * Since 0.1.0; may be repeated: that changes nothing more
 * Errors: no_identity, bad_key, self, store_io, store_corrupt, store_suspended */
static inline char *status1to1_chats_clear(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "chats.clear", params_json);
}

/* chats.delete: Does what chats.clear does, drops the draft, and takes the conversation off the
 * list until something new comes.
 * Parameters:
 *   key (key) is the person's public key, in any accepted form.
 * Result: Chat
 * Since 0.1.0; may be repeated: that changes nothing more
 * Errors: no_identity, bad_key, self, store_io, store_corrupt, store_suspended */
static inline char *status1to1_chats_delete(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "chats.delete", params_json);
}

/* chats.timer: Sets the timer of a conversation: new messages of both people are erased so many
 * seconds after they were written, read or not, on all devices that use this library. The other
 * person's program learns of it with the next message; the later of two changes counts. Messages
 * that are there already keep their time. The Status app knows no timers and keeps what it has
 * received.
 * Parameters:
 *   key (key) is the other person's public key, in any accepted form.
 *   seconds (integer, 0..31536000) is the time after which new messages are erased, at most a year;
 *       0 turns the timer off.
 * Result: Chat
 * Since 0.1.0; may be repeated: that changes nothing more
 * Errors: no_identity, bad_key, self, store_io, store_corrupt, store_suspended */
static inline char *status1to1_chats_timer(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "chats.timer", params_json);
}

/* ---- messages ---- */

/* messages.send: Queues a message: a text, one or several pictures, a recording or a sticker. The
 * call returns as soon as the message is stored; message_state events report its progress. Until
 * the message is acknowledged it is sent again, first after 27 s, then each time after twice as
 * long, and within seconds when the recipient comes back online. Without an acknowledgement after
 * 20 days 12 hours, it has failed as "undeliverable".
 * Parameters:
 *   to (key) is the recipient's public key, in any accepted form.
 *   text (string, optional) is the text of the message: 1 to 4096 code points, not only white
 *       space. It is left out with a sticker. One of emoji only makes a message of kind "emoji".
 *   kind (SendKind, optional) is "text", the default, or "status".
 *   reply_to (message id, optional) is the id of the message of the same chat that this one
 *       answers.
 *   sticker (StickerParams, optional) is sent in place of a text.
 *   mentions (list of MentionParams, optional) are parts of the text, such as names, that name
 *       people. Each is replaced by @ and the person's key, as the Status app writes mentions; so
 *       the message that is returned has another text. A text may also have them written that way
 *       already.
 *   previews (list of PreviewParams, optional) are descriptions of links in the text, at most 5.
 *       The library opens no links: the program has made them.
 *   expires_in (integer, 0..31536000, optional) is the number of seconds after which the message is
 *       erased on both sides, at most a year; 0 is never. Left out, the timer of the conversation
 *       says it (chats.timer).
 *   attachments (list of AttachmentParams, optional) are one recording (AAC in ADTS frames, or
 *       AMR), or 1 to 10 pictures (JPEG, PNG, GIF, WebP). Each picture is a message of its own with
 *       the same text, which may be left out; several are an album, and the first of its messages
 *       is returned.
 *   client_ref (string, optional) makes it safe to repeat a call: with the same client_ref, the
 *       first message is returned and nothing is sent again. The caller chooses the value, for
 *       example a UUID; at most 128 bytes.
 * Result: Message
 * Since 0.1.0; may be repeated with the same client_ref
 * Errors: no_identity, bad_key, self, empty, too_long, too_large, too_many, client_ref_reused,
 *     blocked, not_found, bad_attachment, file_io, store_io, store_corrupt, store_suspended
 * The parameters may have up to 22386008 bytes. */
static inline char *status1to1_messages_send(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "messages.send", params_json);
}

/* messages.send_batch: Queues several messages without attachments with a single write to the disk.
 * A message that cannot be queued yields an error in its place and does not affect the others.
 * Parameters:
 *   messages (list of SendParams) are the messages to queue, at most 256, to one person or several.
 *       They are queued in this order.
 * Result:
 *   items (list of SendBatchItem) are the results for each message, in the order of the messages.
 * Since 0.1.0; may be repeated with the same client_ref
 * Errors: no_identity, bad_key, store_io, store_corrupt, store_suspended */
static inline char *status1to1_messages_send_batch(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "messages.send_batch", params_json);
}

/* messages.get: Returns one message.
 * Parameters:
 *   message_id (message id) is the id of the message, from messages.send or an event.
 * Result: Message
 * Since 0.1.0; may be repeated: that changes nothing more
 * Errors: no_identity, not_found, store_io, store_corrupt, store_suspended */
static inline char *status1to1_messages_get(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "messages.get", params_json);
}

/* messages.album: Returns the messages that show the pictures of one album, the given one among
 * them; a message that is in none is returned alone.
 * Parameters:
 *   message_id (message id) is the id of the message, from messages.send or an event.
 * Result:
 *   items (list of Message) are the messages, in the order of the conversation.
 * Since 0.1.0; may be repeated: that changes nothing more
 * Errors: no_identity, not_found, store_io, store_corrupt, store_suspended */
static inline char *status1to1_messages_album(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "messages.album", params_json);
}

/* messages.retry: Sends a failed message again under the same message id and sets its state to
 * "queued". Messages that failed as "undeliverable" are also sent again automatically when the
 * recipient comes back online.
 * Parameters:
 *   message_id (message id) is the id of a message whose state is "failed".
 * Result: Message
 * Since 0.1.0; may be repeated if the answer was lost
 * Errors: no_identity, not_found, wrong_state, blocked, store_io, store_corrupt, store_suspended */
static inline char *status1to1_messages_retry(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "messages.retry", params_json);
}

/* messages.cancel: Stops sending a message that is not delivered yet. This also applies to a failed
 * message that would be sent again automatically.
 * Parameters:
 *   message_id (message id) is the id of an outgoing message that is not delivered yet.
 * Result:
 *   message (Message) is the cancelled message: its state is "failed", its failure "cancelled".
 *   went_out (boolean) is true if the message had already been published. It is not sent again, but
 *       may still arrive; if it is acknowledged, its state becomes "delivered".
 * Since 0.1.0; may be repeated if the answer was lost
 * Errors: no_identity, not_found, wrong_state, store_io, store_corrupt, store_suspended */
static inline char *status1to1_messages_cancel(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "messages.cancel", params_json);
}

/* messages.list: Lists the messages of a conversation, newest first.
 * Parameters:
 *   key (key) is the other person's public key, in any accepted form.
 *   cursor (string, optional) is next of the previous page; "" or left out for the newest messages.
 *   limit (integer, 1..200, optional) is the largest number of messages to return. Default: 50.
 * Result:
 *   items (list of Message) are the messages, newest first.
 *   next (string) is the cursor of the next page, with older messages; "" on the last page.
 * Since 0.1.0; may be repeated: that changes nothing more
 * Errors: no_identity, bad_key, bad_cursor, store_io, store_corrupt, store_suspended */
static inline char *status1to1_messages_list(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "messages.list", params_json);
}

/* messages.edit: Replaces the text of a message of ours of kind "text", "emoji", "status" or
 * "image" for both people, and returns it. The pictures of an album have one text, so all of them
 * get it. Of several edits the latest counts. Editing a message to the text it has changes nothing.
 * Parameters:
 *   message_id (message id) is the id of a message of ours.
 *   text (string) is the whole new text: 1 to 4096 code points, not only white space.
 * Result: Message
 * Since 0.1.0; may be repeated: that changes nothing more
 * Errors: no_identity, not_found, wrong_state, blocked, empty, too_long, too_large, store_io,
 *     store_corrupt, store_suspended */
static inline char *status1to1_messages_edit(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "messages.edit", params_json);
}

/* messages.delete: Deletes a message, and all others of its album by the same author, and returns
 * what is left of it: its times, and deleted. With for_everyone it must be a message of ours and no
 * contact request, and the other person is asked to delete it. Without, a message of ours that is
 * not delivered yet is still sent, and its text is in the store until then. It cannot be undone.
 * Deleting a message a second time changes nothing.
 * Parameters:
 *   message_id (message id) is the id of the message.
 *   for_everyone (boolean, optional) deletes a message of ours for the other person, too. Left out,
 *       it is deleted on the devices of this identity only, whoever wrote it.
 * Result: Message
 * Since 0.1.0; may be repeated: that changes nothing more
 * Errors: no_identity, not_found, wrong_state, blocked, store_io, store_corrupt, store_suspended */
static inline char *status1to1_messages_delete(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "messages.delete", params_json);
}

/* messages.react: Adds an emoji to a message of the chat, or retracts it, and returns the message.
 * Each person may add several; a message has at most 20 different ones. Status apps from before
 * 2026 show six of them only.
 * Parameters:
 *   message_id (message id) is the id of the message.
 *   emoji (string) is one emoji.
 *   retract (boolean, optional) takes the reaction back.
 * Result: Message
 * Since 0.1.0; may be repeated: that changes nothing more
 * Errors: no_identity, not_found, wrong_state, blocked, too_many, store_io, store_corrupt,
 *     store_suspended */
static inline char *status1to1_messages_react(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "messages.react", params_json);
}

/* messages.pin: Pins a message of the chat for both people, or unpins it, and returns the message.
 * Each may also unpin what the other has pinned.
 * Parameters:
 *   message_id (message id) is the id of the message.
 *   pinned (boolean) is false to unpin it.
 * Result: Message
 * Since 0.1.0; may be repeated: that changes nothing more
 * Errors: no_identity, not_found, wrong_state, blocked, store_io, store_corrupt, store_suspended */
static inline char *status1to1_messages_pin(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "messages.pin", params_json);
}

/* messages.search: Finds messages by the words in them, and people by their names. Deleted messages
 * and earlier texts of edited ones are not found.
 * Parameters:
 *   query (string) is what to look for, at most 1000 code points. A message is found if it has all
 *       the words, in any order and case, with or without accents. The last word may be the
 *       beginning of a longer one, and so may a word with a * at its end. Words in quotation marks
 *       must follow each other. In Chinese, Japanese, Thai and other scripts without spaces any
 *       part of a text is found.
 *   key (key, optional) is the public key of the person whose conversation is searched, in any
 *       accepted form. Left out, all conversations but chat requests are.
 *   from (key, optional) is the public key of the author, in any accepted form: the other person's
 *       or our own.
 *   after (integer, 0..9007199254740991, optional) is a time in ms: messages with an earlier clock
 *       are left out.
 *   before (integer, 0..9007199254740991, optional) is a time in ms: messages with that clock or a
 *       later one are left out.
 *   cursor (string, optional) is next of the previous page; "" or left out for the newest messages.
 *   limit (integer, 1..200, optional) is the largest number of messages to return. Default: 50.
 * Result:
 *   items (list of Message) are the messages, newest first. There may be fewer than limit, or none,
 *       though there is a next page: what is read for one page has bounds.
 *   next (string) is the cursor of the next page, with older messages; "" on the last page.
 *   people (list of Contact) are up to 20 people whose name matches the query, on the first page of
 *       a search with neither key nor from. Strangers are not among them.
 *   complete (boolean) is false while the index is being made, as after an update of the library:
 *       messages with a clock below since may not be found yet.
 *   since (integer) is that time in ms; 0 if complete is true.
 * Since 0.1.0; may be repeated: that changes nothing more
 * Errors: no_identity, bad_key, bad_cursor, empty, too_long, store_io, store_corrupt,
 *     store_suspended */
static inline char *status1to1_messages_search(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "messages.search", params_json);
}

/* ---- attachments ---- */

/* attachments.read: Returns a part of a picture or a recording. Its type is that of the message's
 * attachment; one whose state is "unchecked" is not what its sender says, or too large to be
 * decoded without care.
 * Parameters:
 *   attachment_id (attachment id) is the id of the attachment, from a message.
 *   offset (integer, 0..1000000000, optional) is the first byte to return. Default: 0.
 *   limit (integer, 1..1048576, optional) is the largest number of bytes to return. Default:
 *       262144.
 * Result:
 *   data (base64) are the bytes, in base64: fewer than limit only at the end.
 *   size (integer) is the size of the whole attachment in bytes.
 *   next (integer) is the offset of the next part, 0 after the last one.
 * Since 0.1.0; may be repeated: that changes nothing more
 * Errors: no_identity, not_found, store_io, store_corrupt, store_suspended */
static inline char *status1to1_attachments_read(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "attachments.read", params_json);
}

/* attachments.save: Writes a picture or a recording to a file that only its owner can read.
 * Parameters:
 *   attachment_id (attachment id) is the id of the attachment, from a message.
 *   path (string) is the file to write. It is written as <path>.part, and renamed when it is
 *       complete.
 *   replace (boolean, optional): replace: true replaces a file that is at this path. Default:
 *       false.
 * Result:
 *   size (integer): bytes that were written
 * Since 0.1.0; may be repeated if the answer was lost
 * Errors: no_identity, not_found, file_io, store_io, store_corrupt, store_suspended */
static inline char *status1to1_attachments_save(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "attachments.save", params_json);
}

/* attachments.preview: Decodes a picture and makes its thumbnail and blurhash, which its message
 * has from then on; message_changed reports it. Those of pictures that we send are made when they
 * are sent. Received ones are decoded by this call alone, one at a time and with at most 256 MiB of
 * memory.
 * Parameters:
 *   attachment_id (attachment id) is the id of the attachment, from a message.
 * Result: Attachment
 * Since 0.1.0; may be repeated: that changes nothing more
 * Errors: no_identity, not_found, bad_attachment, store_io, store_corrupt, store_suspended */
static inline char *status1to1_attachments_preview(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "attachments.preview", params_json);
}

/* ---- sessions ---- */

/* sessions.list: Lists the sessions with one person or with everybody: ratchet sessions (X3DH) and
 * Noise sessions, with pending handshakes.
 * Parameters:
 *   key (key, optional) is the other person's public key. Left out, the sessions with everybody are
 *       listed.
 * Result: SessionList
 * Since 0.1.0; may be repeated: that changes nothing more
 * Errors: no_identity, bad_key, store_io, store_corrupt, store_suspended */
static inline char *status1to1_sessions_list(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "sessions.list", params_json);
}

/* sessions.reset: Discards the ratchet sessions with one person and starts new ones. Messages they
 * have not acknowledged are sent again.
 * Parameters:
 *   key (key) is the person's public key, in any accepted form.
 * Result: {}
 * Since 0.1.0
 * Errors: no_identity, bad_key, not_found, store_io, store_corrupt, store_suspended */
static inline char *status1to1_sessions_reset(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "sessions.reset", params_json);
}

/* sessions.hand_over: Gives the Noise sessions with one person to another device of ours, which can
 * write in them at once, without a handshake. This device only reads in them from then on.
 * Parameters:
 *   key (key) is the other person's public key.
 *   installation_id (string) is the id of the device of ours that goes on with the sessions, from
 *       devices.list.
 * Result: SessionList
 * Since 0.1.0; may be repeated if the answer was lost
 * Errors: no_identity, bad_key, self, not_found, wrong_state, store_io, store_corrupt,
 *     store_suspended */
static inline char *status1to1_sessions_hand_over(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "sessions.hand_over", params_json);
}

/* ---- devices ---- */

/* devices.list: Lists the devices of our own identity, this one first.
 * Parameters: none
 * Result:
 *   devices (list of Device) are the installations of our identity: this one first, then the
 *       others, the most recently seen first.
 * Since 0.1.0; may be repeated: that changes nothing more
 * Errors: no_identity, store_io, store_corrupt, store_suspended */
static inline char *status1to1_devices_list(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "devices.list", params_json);
}

/* devices.enable: Enables another device of our own identity: it receives copies of what we send,
 * and other people are told to write to it too.
 * Parameters:
 *   installation_id (string) is the id of the device, from devices.list or a device_found event.
 * Result: Device
 * Since 0.1.0; may be repeated: that changes nothing more
 * Errors: no_identity, not_found, store_io, store_corrupt, store_suspended */
static inline char *status1to1_devices_enable(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "devices.enable", params_json);
}

/* devices.disable: Disables another device of our own identity: it receives no more copies of what
 * we send, and other people are told not to write to it.
 * Parameters:
 *   installation_id (string) is the id of the device, from devices.list or a device_found event.
 * Result: Device
 * Since 0.1.0; may be repeated: that changes nothing more
 * Errors: no_identity, not_found, store_io, store_corrupt, store_suspended */
static inline char *status1to1_devices_disable(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "devices.disable", params_json);
}

/* devices.rename: Names a device of our own identity. The name is stored on this device only.
 * Parameters:
 *   installation_id (string) is the id of the device to name; it may be this device.
 *   name (string) is the new name, at most 100 code points; "" removes the name.
 * Result: Device
 * Since 0.1.0; may be repeated: that changes nothing more
 * Errors: no_identity, not_found, empty, too_long, store_io, store_corrupt, store_suspended */
static inline char *status1to1_devices_rename(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "devices.rename", params_json);
}

/* devices.sync: Offers a paired device everything this one knows: the identity if it has none,
 * contacts with the trust in them, chats, history and settings. It is sent once the user of that
 * device has accepted, and both devices belong to the identity from then on. sync events report the
 * progress.
 * Parameters:
 *   pairing_id (pairing id) is the id of the pairing with the device that is to know everything. It
 *       must be a device of our identity, or have none yet.
 * Result: Sync
 * Since 0.1.0; may be repeated if the answer was lost
 * Errors: no_identity, not_found, pairing_state, foreign_device, sync_state, store_io,
 *     store_corrupt, store_suspended */
static inline char *status1to1_devices_sync(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "devices.sync", params_json);
}

/* devices.sync_accept: Accepts what a paired device offers. If this device has no identity, it
 * receives that of the other device. What is here already is kept.
 * Parameters:
 *   sync_id (sync id) is the id of the sync, from devices.sync, an event or devices.syncs.
 * Result: Sync
 * Since 0.1.0; may be repeated if the answer was lost
 * Errors: not_found, sync_state, store_io, store_corrupt, store_suspended */
static inline char *status1to1_devices_sync_accept(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "devices.sync_accept", params_json);
}

/* devices.sync_pause: Pauses a sync, on either device. What is already on its way still arrives.
 * Parameters:
 *   sync_id (sync id) is the id of the sync, from devices.sync, an event or devices.syncs.
 * Result: Sync
 * Since 0.1.0; may be repeated: that changes nothing more
 * Errors: not_found, sync_state, store_io, store_corrupt, store_suspended */
static inline char *status1to1_devices_sync_pause(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "devices.sync_pause", params_json);
}

/* devices.sync_resume: Resumes a sync that was paused on this device.
 * Parameters:
 *   sync_id (sync id) is the id of the sync, from devices.sync, an event or devices.syncs.
 * Result: Sync
 * Since 0.1.0; may be repeated: that changes nothing more
 * Errors: not_found, sync_state, store_io, store_corrupt, store_suspended */
static inline char *status1to1_devices_sync_resume(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "devices.sync_resume", params_json);
}

/* devices.sync_cancel: Cancels a sync, on either device, and tells the other one. What has been
 * merged stays there.
 * Parameters:
 *   sync_id (sync id) is the id of the sync, from devices.sync, an event or devices.syncs.
 * Result: Sync
 * Since 0.1.0; may be repeated if the answer was lost
 * Errors: not_found, sync_state, store_io, store_corrupt, store_suspended */
static inline char *status1to1_devices_sync_cancel(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "devices.sync_cancel", params_json);
}

/* devices.syncs: Lists the syncs with paired devices.
 * Parameters: none
 * Result:
 *   syncs (list of Sync) lists the syncs under way, and for a week those that are over; the oldest
 *       first.
 * Since 0.1.0; may be repeated: that changes nothing more
 * Errors: store_io, store_corrupt, store_suspended */
static inline char *status1to1_devices_syncs(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "devices.syncs", params_json);
}

/* ---- pairing ---- */

/* pairing.start: Creates an invitation for another device to scan. It is valid for half a minute
 * and is replaced by a new one for up to ten minutes. Pairing needs a confirmation by the user on
 * both devices. A device without an identity can be paired, and receives that of the other device
 * by devices.sync.
 * Parameters:
 *   asks (boolean) is true if this device asks to be paired with the one that scans the invitation,
 *       and false if the scanning device asks. It decides which device reveals its key first.
 * Result: Pairing
 * Since 0.1.0
 * Errors: no_identity, too_many, store_io, store_corrupt, store_suspended */
static inline char *status1to1_pairing_start(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "pairing.start", params_json);
}

/* pairing.scan: Answers the invitation of another device. Both devices then receive an authcode, in
 * a pairing_authcode event, for the user to compare.
 * Parameters:
 *   invitation (string) is the text that the other device shows, from its pairing_invitation event.
 * Result: Pairing
 * Since 0.1.0
 * Errors: no_identity, bad_invitation, too_many, store_io, store_corrupt, store_suspended */
static inline char *status1to1_pairing_scan(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "pairing.scan", params_json);
}

/* pairing.confirm: Tells whether both devices show the same authcode. If not, the pairing fails on
 * both.
 * Parameters:
 *   pairing_id (pairing id) is the id of the pairing, from the pairing_authcode event.
 *   same (boolean) is true if the user sees the same 8 digits on both devices.
 * Result: Pairing
 * Since 0.1.0; may be repeated if the answer was lost
 * Errors: no_identity, not_found, pairing_state, store_io, store_corrupt, store_suspended */
static inline char *status1to1_pairing_confirm(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "pairing.confirm", params_json);
}

/* pairing.cancel: Cancels a pairing that is under way.
 * Parameters:
 *   pairing_id (pairing id) is the id of the pairing, from an event or pairing.list.
 * Result: Pairing
 * Since 0.1.0; may be repeated if the answer was lost
 * Errors: no_identity, not_found, pairing_state, store_io, store_corrupt, store_suspended */
static inline char *status1to1_pairing_cancel(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "pairing.cancel", params_json);
}

/* pairing.list: Lists the pairings and paired devices, with their sessions.
 * Parameters: none
 * Result:
 *   pairings (list of Pairing) lists the pairings under way, the paired devices, and for some days
 *       the pairings that failed or ended; the oldest first.
 * Since 0.1.0; may be repeated: that changes nothing more
 * Errors: no_identity, store_io, store_corrupt, store_suspended */
static inline char *status1to1_pairing_list(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "pairing.list", params_json);
}

/* pairing.get: Returns one pairing.
 * Parameters:
 *   pairing_id (pairing id) is the id of the pairing, from an event or pairing.list.
 * Result: Pairing
 * Since 0.1.0; may be repeated: that changes nothing more
 * Errors: no_identity, not_found, store_io, store_corrupt, store_suspended */
static inline char *status1to1_pairing_get(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "pairing.get", params_json);
}

/* pairing.discard: Ends the pairing with a device and tells that device, or removes a pairing that
 * failed or ended from the list. Data received from the device is deleted.
 * Parameters:
 *   pairing_id (pairing id) is the id of the pairing, from an event or pairing.list.
 * Result: {}
 * Since 0.1.0; may be repeated if the answer was lost
 * Errors: no_identity, not_found, pairing_state, store_io, store_corrupt, store_suspended */
static inline char *status1to1_pairing_discard(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "pairing.discard", params_json);
}

/* pairing.send: Sends data to a paired device. The call returns as soon as the data is stored;
 * transfer events report the progress. Several transfers to one device take turns.
 * Parameters:
 *   pairing_id (pairing id) is the id of the pairing with the receiving device.
 *   name (string) is a name for the data, for example a file name; at most 255 bytes.
 *   data (base64) is the data to send, at most 16 MiB.
 * Result: Transfer
 * Since 0.1.0
 * Errors: no_identity, not_found, pairing_state, transfer_too_large, too_long, too_large, too_many,
 *     store_io, store_corrupt, store_suspended
 * The parameters may have up to 22386008 bytes. */
static inline char *status1to1_pairing_send(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "pairing.send", params_json);
}

/* ---- transfers ---- */

/* transfers.list: Lists the transfers with a paired device.
 * Parameters:
 *   pairing_id (pairing id) is the id of the pairing, from an event or pairing.list.
 * Result:
 *   transfers (list of Transfer) lists the transfers to and from the device; the oldest first.
 * Since 0.1.0; may be repeated: that changes nothing more
 * Errors: no_identity, not_found, store_io, store_corrupt, store_suspended */
static inline char *status1to1_transfers_list(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "transfers.list", params_json);
}

/* transfers.read: Returns received data, once all of it has arrived and its hash is verified.
 * Parameters:
 *   transfer_id (transfer id) is the id of an incoming transfer that is done.
 *   offset (integer, 0..16777216, optional) is the position of the first byte to return. Default:
 *       0.
 *   limit (integer, 1..524288, optional) is the largest number of bytes to return. Default: 524288,
 *       which is also the maximum.
 * Result:
 *   data (base64) holds the bytes, in base64; empty at the end.
 *   next (integer) is the offset of the byte after the last one returned.
 *   size (integer) is the size of the whole transfer in bytes.
 * Since 0.1.0; may be repeated: that changes nothing more
 * Errors: no_identity, not_found, pairing_state, store_io, store_corrupt, store_suspended */
static inline char *status1to1_transfers_read(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "transfers.read", params_json);
}

/* transfers.cancel: Cancels a running transfer and tells the other device.
 * Parameters:
 *   transfer_id (transfer id) is the id of the transfer, from an event or transfers.list.
 * Result: Transfer
 * Since 0.1.0; may be repeated if the answer was lost
 * Errors: no_identity, not_found, pairing_state, store_io, store_corrupt, store_suspended */
static inline char *status1to1_transfers_cancel(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "transfers.cancel", params_json);
}

/* transfers.discard: Removes a finished transfer from the list and deletes the received data.
 * Parameters:
 *   transfer_id (transfer id) is the id of the transfer, from an event or transfers.list.
 * Result: {}
 * Since 0.1.0; may be repeated if the answer was lost
 * Errors: no_identity, not_found, pairing_state, store_io, store_corrupt, store_suspended */
static inline char *status1to1_transfers_discard(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "transfers.discard", params_json);
}

/* ---- pictures ---- */

/* pictures.qr: Draws a QR code.
 * Parameters:
 *   text (string) is the text to put into the code, at most 2953 bytes: a contact card, an
 *       invitation, a safety number, a link. Codes are smallest for digits, then for upper-case
 *       letters, digits and " $%*+-./:".
 *   format (PictureFormat, optional) is "png" (the default), "svg", or "terminal" for lines of
 *       block characters.
 *   level (QRLevel, optional) is how much of the code may be dirty or covered: "L" (7 %, the
 *       default and right for screens), "M" (15 %), "Q" (25 %) or "H" (30 %). A higher level is
 *       used where it does not make the code larger.
 *   size (integer, 21..4096, optional) is the side of the PNG in pixels. Default: 400.
 *   light (boolean, optional) is true if the terminal shows dark text on a light ground. Default:
 *       false.
 * Result: Picture
 * Since 0.1.0; may be repeated: that changes nothing more
 * Errors: empty, too_long */
static inline char *status1to1_pictures_qr(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "pictures.qr", params_json);
}

/* pictures.read_qr: Reads the QR code in a picture, such as a photo. The code may be rotated,
 * tilted, mirrored and somewhat blurred. Of several codes, one is read.
 * Parameters:
 *   image (base64) holds the bytes of a PNG or JPEG, at most 16 MiB and 13 megapixels.
 * Result:
 *   text (string) is what the code says. Anybody can make a code with any text.
 * Since 0.1.0; may be repeated: that changes nothing more
 * Errors: bad_picture
 * The parameters may have up to 22386008 bytes. */
static inline char *status1to1_pictures_read_qr(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "pictures.read_qr", params_json);
}

/* pictures.identicon: Draws the picture by which the Status app lets people tell keys apart.
 * Parameters:
 *   key (key) is the person's public key, in any accepted form.
 *   style (IdenticonStyle, optional) is "ring" (the default), the ring of colours around a disc in
 *       the person's colour, as the Status app shows people without a picture, but without
 *       initials; or "identicon", the pattern of squares of its earlier versions.
 *   format (IdenticonFormat, optional) is "png" (the default) or "svg".
 *   size (integer, 16..1024, optional) is the side of the PNG in pixels. Default: 128.
 * Result: Picture
 * Since 0.1.0; may be repeated: that changes nothing more
 * Errors: bad_key */
static inline char *status1to1_pictures_identicon(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "pictures.identicon", params_json);
}

/* ---- network ---- */

/* network.status: Returns the state of the network, our own addresses and the peers.
 * Parameters: none
 * Result: NetworkStatus
 * Since 0.1.0; may be repeated: that changes nothing more */
static inline char *status1to1_network_status(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "network.status", params_json);
}

/* network.connect: Adds a peer and stays connected to it. The call returns without waiting for the
 * connection; a peer_changed event reports it.
 * Parameters:
 *   address (string) is the peer's multiaddress: /ip4/<address>/tcp/<port>/p2p/<peer id>.
 * Result: {}
 * Since 0.1.0; may be repeated: that changes nothing more
 * Errors: bad_address, too_many */
static inline char *status1to1_network_connect(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "network.connect", params_json);
}

/* network.disconnect: Removes a peer and closes the connections to it.
 * Parameters:
 *   peer_id (string) is the peer id: the part of the address after /p2p/.
 * Result: {}
 * Since 0.1.0; may be repeated if the answer was lost
 * Errors: not_found */
static inline char *status1to1_network_disconnect(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "network.disconnect", params_json);
}

/* network.catch_up: Asks the store nodes soon for what was missed. The call returns without
 * waiting; catch_up_changed events report it. It is done anyway at the start, after every gap and
 * in the background. Without store nodes nothing happens.
 * Parameters: none
 * Result: {}
 * Since 0.1.0; may be repeated: that changes nothing more */
static inline char *status1to1_network_catch_up(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "network.catch_up", params_json);
}

/* network.wait: Waits until messages can be published to enough peers. This call blocks until its
 * deadline or until the client is closed. Signals do not interrupt the C function: a program that
 * handles them only after it has returned waits in short steps, or in another thread.
 * Parameters:
 *   peers (integer, 1..1000, optional) is the number of peers to wait for. Default: 1.
 *   deadline_ms (integer, 0..3600000) is the longest time to wait in ms, at most an hour.
 * Result: NetworkStatus
 * Since 0.1.0; may be repeated: that changes nothing more; waits, at most until deadline_ms
 * Errors: timeout */
static inline char *status1to1_network_wait(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "network.wait", params_json);
}

/* network.doctor: Finds out why messages do not travel, and what can be done about it. Each check
 * has a result ("passed", "warning", "failed" or "skipped"), its cause and a remedy. To see whether
 * what is published can be read back from the store nodes, it publishes a small envelope, at most
 * once a minute; reading it back takes up to 10 seconds. This call blocks until its deadline at
 * most.
 * Parameters:
 *   deadline_ms (integer, 0..60000, optional) is the longest time to examine, in ms, at most a
 *       minute. Checks that are not done then are skipped. Default: 20000.
 * Result:
 *   healthy (boolean) is true if no check has failed.
 *   summary (string) is the name and cause of the first check that failed, or else of the first
 *       warning, or says that there is none.
 *   checks (list of Check) are the checks, in the order in which a person would look at them. Names
 *       that a program does not know are to be shown like others.
 * Since 0.1.0; may be repeated: that changes nothing more; waits, at most until deadline_ms */
static inline char *status1to1_network_doctor(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "network.doctor", params_json);
}

/* network.deliver: Hands over envelopes that the program has received. When the call returns
 * without an error, everything that was to be kept of them is stored, and the program may delete
 * its copies; after an error it should deliver all of them again, which does no harm. Only if
 * network.kind is "external".
 * Parameters:
 *   envelopes (list of IncomingEnvelope) are envelopes that the program has received, at most 64.
 * Result:
 *   taken (integer) is the number of envelopes on content topics that are listened to. All others
 *       were ignored.
 * Since 0.1.0; may be repeated: that changes nothing more
 * Errors: wrong_state, no_identity, store_io, store_corrupt, store_suspended
 * The parameters may have up to 4194304 bytes. */
static inline char *status1to1_network_deliver(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "network.deliver", params_json);
}

/* network.published: Reports that the envelope of an envelope_outgoing event is out, or why it is
 * not. Messages are sent once their envelope is out. An id that is not waited for is ignored. Only
 * if network.kind is "external".
 * Parameters:
 *   envelope_id (envelope id) is the id from the envelope_outgoing event.
 *   failure (PublishFailure, optional) is the reason the envelope is not out: "unavailable" if it
 *       may be tried again, or "too_large" if it can never be published, and the messages in it
 *       have failed. Leave it out when the envelope is out.
 * Result: {}
 * Since 0.1.0; may be repeated: that changes nothing more
 * Errors: wrong_state */
static inline char *status1to1_network_published(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "network.published", params_json);
}

/* network.online: Reports whether the program can publish envelopes. It is assumed that it can.
 * While it cannot, nothing is asked for, and messages wait. Only if network.kind is "external".
 * Parameters:
 *   online (boolean) is true if the program can publish envelopes.
 * Result: {}
 * Since 0.1.0; may be repeated: that changes nothing more
 * Errors: wrong_state */
static inline char *status1to1_network_online(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "network.online", params_json);
}

/* network.topics: Returns the content topics whose envelopes the program is to deliver. They change
 * when people are added or written to: content_topics_changed reports it. A program may as well
 * deliver everything it receives. Only if network.kind is "external".
 * Parameters: none
 * Result:
 *   content_topics (list of string) lists the content topics that are listened to, sorted.
 * Since 0.1.0; may be repeated: that changes nothing more
 * Errors: wrong_state */
static inline char *status1to1_network_topics(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "network.topics", params_json);
}

/* ---- events ---- */

/* events.ack: Acknowledges events: they are not delivered again after the next open.
 * Parameters:
 *   up_to (integer, 0..9007199254740991) is the highest seq to acknowledge: that event and all
 *       before it are acknowledged.
 * Result: {}
 * Since 0.1.0; may be repeated: that changes nothing more
 * Errors: store_io, store_corrupt, store_suspended */
static inline char *status1to1_events_ack(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "events.ack", params_json);
}

/* ---- store ---- */

/* store.info: Returns the kind and the size of the store.
 * Parameters: none
 * Result:
 *   kind (StoreKind): "file" or "memory"
 *   path (string, not always): of the bbolt file
 *   size_bytes (integer)
 *   schema_version (integer)
 * Since 0.1.0; may be repeated: that changes nothing more */
static inline char *status1to1_store_info(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "store.info", params_json);
}

/* store.check: Reads the whole store and reports damage.
 * Parameters: none
 * Result:
 *   records (integer)
 *   problems (list of string): empty if no damage was found
 * Since 0.1.0; may be repeated: that changes nothing more
 * Errors: store_io, store_corrupt, store_suspended */
static inline char *status1to1_store_check(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "store.check", params_json);
}

/* store.suspend: Releases the store's file and lock, before a phone goes to sleep or a backup is
 * made. Until store.resume, calls that need the store fail with store_suspended, and stored events
 * are not delivered.
 * Parameters: none
 * Result: {}
 * Since 0.1.0; may be repeated: that changes nothing more
 * Errors: store_io */
static inline char *status1to1_store_suspend(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "store.suspend", params_json);
}

/* store.resume: Opens and locks the store's file again after store.suspend. If the file was changed
 * in the meantime, the call fails with store_corrupt: close the client and open it again.
 * Parameters: none
 * Result: {}
 * Since 0.1.0; may be repeated: that changes nothing more
 * Errors: store_io, store_corrupt, store_locked, wrong_passphrase */
static inline char *status1to1_store_resume(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "store.resume", params_json);
}

/* store.change_passphrase: Changes the passphrase of the store. When the call succeeds, the old
 * passphrase opens nothing in the file any more; earlier copies of the file still open with it. If
 * the call fails with details.changed, the new passphrase is already the valid one, and the next
 * open finishes the change.
 * Parameters:
 *   passphrase (string, secret) is the present passphrase of the store.
 *   new_passphrase (string, secret) is the new passphrase of the store; not empty.
 * Result: {}
 * Since 0.1.0; may be repeated if the answer was lost
 * Errors: wrong_passphrase, store_io, store_corrupt, store_suspended */
static inline char *status1to1_store_change_passphrase(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "store.change_passphrase", params_json);
}

/* store.export: Writes a backup: one encrypted file with the identity, people, chats and history,
 * and nothing that belongs to this device alone, given the passphrase or key of the store. The
 * store stays in use meanwhile.
 * Parameters:
 *   path (string) is the file to write. It is written as <path>.part, and renamed when it is
 *       complete.
 *   passphrase (string, secret) encrypts the file. Whoever has the file and the passphrase has the
 *       identity and all messages.
 *   store (CredentialsParams, optional) is the passphrase or key of the store, as for
 *       identity.phrase: a backup has the seed phrase in it. Leave it out for a memory store.
 *   replace (boolean, optional): replace: true replaces an earlier backup at this path. A file of
 *       another kind is never replaced. Default: false.
 * Result:
 *   contents (BackupCounts)
 *   damaged (integer) is the number of records that the store could not read. They are not in it.
 * Since 0.1.0; may be repeated if the answer was lost
 * Errors: no_identity, wrong_passphrase, file_io, store_io, store_corrupt, store_suspended */
static inline char *status1to1_store_export(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "store.export", params_json);
}

/* store.import: Merges a backup into this store. A store without an identity becomes a new device
 * of the one in the backup; in one that has it, what is missing is added and of what both have the
 * newer stays. It can be called again, also after it was interrupted. Messages that come with it
 * have no events: read the chats again when the call returns.
 * Parameters:
 *   path (string) is a file that store.export has written.
 *   passphrase (string, secret) is the one it was written with.
 *   partial (boolean, optional) takes from a damaged or truncated file what comes before the
 *       damage. The call still fails with bad_archive, and details.messages and details.people say
 *       how many were new. Without it such a file changes nothing.
 * Result:
 *   identity (IdentityInfo)
 *   new_identity (boolean) is true if the store had no identity before.
 *   made_at (integer) is when the backup was made, ms since 1970.
 *   new (BackupCounts) is what was not here.
 *   known (BackupCounts) is what was here. Of each the newer is kept.
 *   refused (integer) is the number of things that were left out because they are not valid, and
 *       refused_cause what is wrong with the first.
 *   refused_cause (string, not always)
 * Since 0.1.0; may be repeated: that changes nothing more
 * Errors: wrong_passphrase, bad_archive, identity_exists, file_io, store_io, store_corrupt,
 *     store_suspended */
static inline char *status1to1_store_import(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "store.import", params_json);
}

/* ---- diagnostics ---- */

/* diagnostics.get: Returns counters and queue lengths for troubleshooting.
 * Parameters: none
 * Result:
 *   received (integer) counts the envelopes that arrived on our topics.
 *   dropped (object of integer) counts the received envelopes that had no effect, by reason.
 *   sent (integer) counts messages published for the first time.
 *   resent (integer) counts messages published again.
 *   incoming (integer) is the number of received envelopes that are not processed yet.
 *   outbox (integer) is the number of messages waiting to be published or acknowledged.
 *   events_waiting (integer) is the number of stored events that are not acknowledged.
 *   events_unread (integer) is the number of events, without log events, that no next_event call or
 *       callback has received yet.
 *   log_lines_waiting (integer) is the number of log events that are not read yet.
 *   goroutines (integer) is the number of goroutines in the process, of all clients together.
 *   clients_open (integer) is the number of clients in the process that are open or closing.
 *   clients_unread (integer) is the number of closed clients with events that nobody has read. Only
 *       the last few closed clients are kept.
 *   open_ms (integer) is the time since the client was opened, in ms.
 *   loop_wakeups (integer) counts how often the engine looked for work since then. While it is
 *       idle, that is a few times an hour in light mode and every five seconds in relay mode.
 *   traffic (Traffic, not always) counts the bytes and wake-ups of the network node since then.
 *       Left out for a network that does not count them.
 *   strings_held (integer) is the number of strings returned by the library and not yet freed by
 *       the program.
 *   catch_up (CatchUp, not always) is the state of fetching what was missed from store nodes; left
 *       out for a network that has none.
 * Since 0.1.0; may be repeated: that changes nothing more
 * Errors: store_io, store_corrupt, store_suspended */
static inline char *status1to1_diagnostics_get(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "diagnostics.get", params_json);
}

/* EVENT DATA - The fields are those of "data" in an event of that type. */

/* message_received is emitted when a message from another person, or from another device of our
 * own, has been decrypted and stored. A message that waits in a chat request is reported when its
 * sender is accepted, added or written to. There is one event per message id. It has the message as
 * it is when the event is read: edited or deleted, if it was meanwhile. One that is gone by then,
 * cleared or expired, is not reported.
 * Data:
 *   message (Message) */

/* message_state is emitted when the state of an outgoing message changes. The fields have the
 * meaning they have in Message.
 * Data:
 *   message_id (string)
 *   chat_id (string)
 *   client_ref (string, not always)
 *   state (DeliveryState)
 *   evidence (Evidence, not always)
 *   failure (MessageFailure, not always)
 *   waiting (MessageWaiting, not always) */

/* message_changed is emitted when a stored message has changed in something other than its state.
 * It has the whole message as it is when the event is read: while one event waits, further changes
 * with the same cause that are made by the same side emit no other.
 * Data:
 *   message (Message)
 *   cause (MessageChange) is what happened to it: "edited", "deleted", "reaction", "pinned",
 *       "attachment", "content" (this version of the library can read it now) or "expired" (it is
 *       gone). */

/* chat_changed is emitted when something about a chat has changed other than its messages and what
 * is counted of them. Its last_message and draft are those of when the event is read.
 * Data:
 *   chat (Chat)
 *   cause (ChatChange) is what happened to it: "read", "unread", "muted", "archived", "draft",
 *       "cleared" (and once more when the last of many messages is erased), "deleted", "timer" or
 *       "expired" (many messages of it at once). */

/* message_progress is emitted while a message that is too large for one envelope is being sent or
 * received, some 20 times a message. It is not stored: seq is 0, and of several waiting events
 * about one message only the latest is delivered. It is not emitted for messages of strangers. A
 * message that is sent again begins anew.
 * Data:
 *   chat_id (string)
 *   outgoing (boolean)
 *   message_id (string, not always) is the id of an outgoing message. That of an incoming one is
 *       not known until all of it has arrived.
 *   transfer_id (string, not always) names an incoming message while it is being received: 0x and
 *       64 hex digits. It is not its message id.
 *   done (integer) is the number of envelopes that were published, or have arrived.
 *   total (integer) is the number of envelopes to publish, or that are needed; 0 if that is not
 *       known yet. */

/* backup_progress is emitted while store.export or store.import runs, some 20 times. It is not
 * stored: seq is 0, and of several waiting events only the latest is delivered.
 * Data:
 *   action (BackupAction) is "export" or "import".
 *   done (integer) is the number of people, verifications, chats and messages that are done.
 *   total (integer) is about how many there are. */

/* unsupported_received is emitted when a person sent an application message of a type this version
 * does not handle. Its signature has been verified.
 * Data:
 *   from (string): public key, 0x04...
 *   application_type (integer) is the number of the type in ApplicationMetadataMessage.
 *   type_name (string) is the name of that type.
 *   message_id (string)
 *   payload (base64 or null) is the protobuf message inside, in base64; null if it is larger than
 *       16 KiB or was sent by a stranger. */

/* contact_changed is emitted when a contact is added or changes, and when an unknown person writes
 * to us for the first time.
 * Data:
 *   contact (Contact) */

/* presence_changed is emitted when a contact, or another device of ours, says how they want to be
 * seen, also if it is the same as before. It is not stored: seq is 0, and of several waiting events
 * about one person only the latest is delivered.
 * Data:
 *   public_key (string): 0x04...; our own for another device of ours
 *   presence (Presence) */

/* contact_removed is emitted when a contact is removed from the address book.
 * Data:
 *   public_key (string) */

/* profile_changed is emitted when another device of ours has changed the own profile: profile.get
 * has the rest of it.
 * Data:
 *   display_name (string)
 *   bio (string)
 *   color (integer)
 *   has_picture (boolean) */

/* contact_request_received is emitted when a person asks to be a contact, unless an earlier request
 * of theirs still stands. Answer it with contacts.accept or contacts.decline. The message is as it
 * is when the event is read, if it is still there.
 * Data:
 *   contact (Contact)
 *   message (Message, not always) is the message of the request. It is left out if we learned of
 *       the request in another way. */

/* chat_request_received is emitted, if engine.strangers is "request", when a stranger without
 * waiting messages writes something other than a contact request. Their further messages are kept
 * without an event; chats.list returns the chat if requests is set. Once the stranger is accepted,
 * added or written to, each waiting message is reported by a message_received event. The message is
 * as it is when the event is read; if it is gone by then, nothing is reported.
 * Data:
 *   contact (Contact)
 *   message (Message) */

/* verification_changed is emitted when either side asks, answers, declines or cancels a question
 * that verifies a person, and when we confirm or reject an answer.
 * Data:
 *   verification (Verification) */

/* session_changed is emitted when a session starts and when the first reply establishes it. There
 * is no event when a session expires because a newer pre-key has replaced the one it started from.
 * Data:
 *   session (Session) */

/* key_exchange_changed is emitted when what protects the messages to a person changes.
 * Data:
 *   public_key (string): 0x04...
 *   key_exchange (KeyExchange) is "x3dh" or "noise".
 *   cause (KeyExchangeChange) is "chosen" (by contacts.set_key_exchange), "card" (the contact card
 *       says so, or it was chosen with it) or "handshake" (they have finished a Noise handshake
 *       with us, and nothing else was chosen). The last never changes it to "x3dh". */

/* session_repaired is emitted when one side had lost a session and a new one has replaced it:
 * messages that could not be decrypted have arrived again. The user need not do anything.
 * Data:
 *   public_key (string)
 *   installation_id (string)
 *   cause (SessionFault) is "no_session", "no_pre_key" or "undecryptable". */

/* device_found is emitted when an unknown installation of our own identity appears. Ask the user
 * whether it is theirs, then call devices.enable.
 * Data:
 *   device (Device) */

/* device_changed is emitted when a device of our own identity is enabled or disabled, here or on
 * another device, or announces its name. If another device has disabled this one, this device
 * receives nothing more.
 * Data:
 *   device (Device) */

/* device_conflict is emitted when two devices of one identity, a contact's or our own, have
 * disabled each other: one of them may be in the wrong hands. The second of the two changes is not
 * applied. Ask the person over another channel. Against somebody who has the key, only a new
 * identity helps.
 * Data:
 *   public_key (string): 0x04...
 *   installation_id (string) is the device that was disabled first. Nothing is sent to it.
 *   other_installation_id (string) is the device that this one disabled in turn. For our own
 *       identity it is the device we run on. */

/* pairing_invitation is emitted when there is an invitation to show: the first one, and each one
 * that replaces an expired one. Show it as a QR code or pass the text on.
 * Data:
 *   pairing_id (string)
 *   invitation (string)
 *   expires_at (integer)
 *   renewed (boolean) is true if this invitation replaces an expired one. */

/* pairing_authcode is emitted when the two devices have found each other. Show the digits to the
 * user and call pairing.confirm with their answer. Without an answer, the pairing fails after two
 * minutes. The device that scanned waits at most 30 seconds for the digits.
 * Data:
 *   pairing_id (string)
 *   authcode (string): 8 digits */

/* pairing_paired is emitted when the users of both devices have confirmed and the other device's
 * certificate is verified. Check peer: its identity may be another person's.
 * Data:
 *   pairing (Pairing) */

/* pairing_failed is emitted when a pairing ends before the devices are paired, or when the other
 * device refuses ours in the very last step.
 * Data:
 *   pairing_id (string)
 *   cause (ErrorCode): an error code that starts with pairing_
 *   by (Side): the device that gave up: "local" or "remote" */

/* pairing_scanner_refused is emitted when a device scanned an invitation that is no longer valid.
 * The pairing itself continues unchanged.
 * Data:
 *   pairing_id (string)
 *   cause (ErrorCode) is "pairing_expired", "pairing_used" (the invitation has already led to a
 *       pairing), "pairing_scanned_twice" (another device scanned it before, and its authcode is
 *       being compared), or the code with which the pairing had failed. */

/* pairing_ended is emitted when two devices that were paired no longer are.
 * Data:
 *   pairing_id (string)
 *   by (Side): the device that ended it: "local" or "remote"
 *   cause (ErrorCode) is "pairing_ended" if one device discarded the pairing or the other was
 *       silent for too long, and "pairing_outdated" if the other device's certificate has expired. */

/* sync_offered is emitted when a paired device offers what it knows. Ask the user whether to take
 * it, and call devices.sync_accept. If this device has no identity yet it gets the one of the other
 * device, so show whose that is: peer in pairing.get.
 * Data:
 *   sync (Sync) */

/* sync_changed is emitted when a sync is accepted, paused or resumed, on either device.
 * Data:
 *   sync (Sync) */

/* sync_progress is emitted when more has been merged, at most 20 times a sync.
 * Data:
 *   sync_id (string)
 *   pairing_id (string)
 *   offers (boolean)
 *   moved (integer)
 *   total (integer) */

/* sync_done is emitted on both devices when the receiving one has merged everything.
 * Data:
 *   sync (Sync) */

/* sync_failed is emitted when a sync ends before that. What was merged stays.
 * Data:
 *   sync (Sync) */

/* identity_received is emitted when a device without an identity has received one from a paired
 * device, and works with it from now on: see identity.get.
 * Data:
 *   sync_id (string)
 *   pairing_id (string) */

/* transfer_offered is emitted when a paired device starts to send data. It is accepted
 * automatically; transfers.cancel stops it.
 * Data:
 *   transfer (Transfer) */

/* transfer_progress is emitted when more bytes of a transfer have arrived, at most 20 times per
 * transfer.
 * Data:
 *   transfer_id (string)
 *   pairing_id (string)
 *   outgoing (boolean)
 *   moved (integer): bytes
 *   size (integer) */

/* transfer_done is emitted when all bytes have arrived and their hash is verified. Read an incoming
 * transfer with transfers.read, then remove it with transfers.discard.
 * Data:
 *   transfer (Transfer) */

/* transfer_failed is emitted when a transfer ends before all bytes have arrived.
 * Data:
 *   transfer (Transfer) */

/* network_changed is emitted when the network goes online or offline. It is not stored: seq is 0,
 * and of several that wait only the latest is delivered.
 * Data:
 *   state (NetworkState): "online", "offline" or "stopped"
 *   peers (integer) */

/* peer_changed is emitted when a peer connects or disconnects, when it comes to one of our shards
 * or leaves them, and when a static peer cannot be reached; of repeated failures only the first is
 * reported. It is not stored: seq is 0. Of several waiting events of one peer only the latest is
 * delivered, and of peers that are not static only the latest 64 events wait.
 * Data:
 *   peer_id (string)
 *   connected (boolean)
 *   static (boolean) is true for peers from the configuration or network.connect.
 *   on_shard (boolean) is true while the peer is on one of our shards. Only then does it get what
 *       we publish, and count as a peer.
 *   error (string, not always) is the reason a static peer could not be reached. */

/* envelope_outgoing is emitted, if network.kind is "external", for an envelope that the program is
 * to publish: a WakuMessage (14/WAKU2-MESSAGE). Call network.published once that is done. An
 * envelope that is not confirmed within a minute is asked for again, with the same envelope_id. The
 * event is not stored: seq is 0, and what is not published before the client closes is asked for
 * again after it has opened.
 * Data:
 *   envelope_id (string) names the envelope in network.published: 0x and 64 lower-case hex digits.
 *       The same envelope has the same id each time.
 *   pubsub_topic (string)
 *   content_topic (string)
 *   payload (base64): encrypted, in base64
 *   version (integer)
 *   timestamp (string) is in ns since 1970, in decimal digits.
 *   ephemeral (boolean) is true if store nodes need not keep the envelope. */

/* content_topics_changed is emitted, if network.kind is "external", when other content topics than
 * before are listened to: see network.topics. It is not stored: seq is 0, and of several that wait
 * only the latest is delivered.
 * Data:
 *   count (integer): the number of content topics */

/* catch_up_changed is emitted when fetching what was missed begins, goes on (at most once a
 * second), is done or fails. Rounds in the background are reported only if they find something. It
 * is not stored: seq is 0, and of several that wait only the latest is delivered. diagnostics.get
 * returns the same at any time.
 * Data:
 *   catch_up (CatchUp) */

/* store_node_changed is emitted when a store node turns out to be faulty, when its fault changes,
 * and when it answers again. It is not stored: seq is 0, and of several that wait only the latest
 * of each node is delivered.
 * Data:
 *   node (StoreNode) */

/* overflow replaces the oldest events when too many are waiting. It is one event, delivered before
 * the remaining ones, and covers every seq from from_seq to to_seq; its own seq is to_seq. What the
 * dropped events reported can still be read with messages.list, contacts.list and the other
 * methods. Events dropped after it has been delivered are covered by another overflow event with
 * higher numbers.
 * Data:
 *   from_seq (integer)
 *   to_seq (integer) */

/* events_withheld is emitted when events about a stranger are dropped because too many of theirs
 * are waiting already: strangers have a small share of the queue, so that they cannot displace the
 * events of others. It is also emitted when message_changed events about what one contact does are,
 * of which a tenth of the queue may wait. Until some are acknowledged, use messages.list and
 * contacts.list to see what this person sent.
 * Data:
 *   public_key (string) */

/* internal_error is emitted when a goroutine of the library has panicked. The client is closed
 * afterwards. It is not stored.
 * Data:
 *   report_id (string)
 *   where (string) */

/* log is a diagnostic line, emitted if log.events is set in the configuration. It is not stored.
 * Data:
 *   level (LogLevel)
 *   message (string)
 *   fields (object of any, not always) */

/* closed is the last event of a client. It is not stored.
 * Data:
 *   reason (CloseReason): "close", "internal" or "deleted" */

/* OBJECTS - Objects that parameters, results and events refer to by their names. */

/* Attachment is a picture or a recording of a message.
 *   attachment_id (string)
 *   kind (AttachmentKind) is "image" or "audio".
 *   name (string): a file name; the network carries none, so that of a received one is made up
 *   mime (string)
 *   size (integer): bytes
 *   width (integer, not always) is that of a picture, in pixels, and so is the height.
 *   height (integer, not always)
 *   duration_ms (integer, not always) is of recordings only, as their author says.
 *   thumbnail (base64, not always) is a JPEG of at most 4096 bytes and 128 pixels a side, in
 *       base64. That of a received picture is made by attachments.preview.
 *   blurhash (string, not always) is a few characters that a blurred picture is drawn from. It
 *       comes with the thumbnail.
 *   state (AttachmentState) is "stored"; "unchecked" if its bytes are here, but are not what its
 *       author says, are damaged, or would make a picture too large to be decoded without care; or
 *       "missing" if its bytes are not on this device: a sync of devices brings the newest 16 MiB
 *       only. */

/* AttachmentParams are a picture or a recording to send.
 *   data (base64, optional) is the file itself. Give either data or path.
 *   path (string, optional) is a regular file of at most 32 MiB, which is read before the call
 *       returns.
 *   name (string, optional) is a file name for the lists of this device; the network carries none.
 *       Default: that of path.
 *   original (boolean, optional): original: true sends a picture of up to 10,000,000 bytes as it
 *       is, without its metadata. Otherwise one of more than 400,000 bytes, or one that has to be
 *       turned, becomes a JPEG of at most 350,000 bytes and 2000 pixels a side, without
 *       transparency and as its first frame. Default: false.
 *   duration_ms (integer, 0..86400000, optional) is the length of a recording. Default: what its
 *       frames say. */

/* BackupCounts are the numbers of things in a backup.
 *   people (integer) are those in the address book and those who have written or were written to.
 *   verifications (integer)
 *   chats (integer)
 *   messages (integer)
 *   attachments (integer) are pictures and recordings. */

/* Bridge names the author of a message that comes from another network.
 *   network (string)
 *   user (string)
 *   user_id (string, not always) */

/* BuildInfo describes the build of this library.
 *   go_version (string) is the version of the Go toolchain.
 *   os (string) is the operating system, by its Go name (GOOS).
 *   arch (string) is the processor architecture, by its Go name (GOARCH).
 *   revision (string) is the commit the library was built from; "" when it was built outside a
 *       repository.
 *   modified (boolean) is true if the source differed from that commit. */

/* CatchUp is the state of fetching what was published while we were away.
 *   state (CatchUpState) is "waiting" (for the first store node, or after an interruption),
 *       "running", "done", or "failed" (it is tried again).
 *   cause (CatchUpFailure, not always) is the reason it failed: "store_nodes" (none of them has
 *       answered completely; nodes says what was wrong with each) or "store" (messages could not be
 *       stored in, or topics not read from, the store of the client). Left out in other states.
 *   topics_done (integer) is the number of content topics that are fetched, and topics_total that
 *       of all content topics of this round.
 *   topics_total (integer)
 *   fetched (integer) counts the envelopes fetched this time, messages and others.
 *   from (integer, not always) is the beginning of the time that is asked for, in ms since 1970.
 *   to (integer, not always) is the time up to which nothing is missing once it is done, in ms
 *       since 1970. That is two minutes ago, since clocks differ: what is newer is asked for too,
 *       and again next time.
 *   nodes (list of StoreNode) are the store nodes that were asked lately, at most 32. */

/* Chat is a conversation with one person.
 *   chat_id (string): the other person's uncompressed key, 0x04...
 *   chat_key (string): the same key, zQ3sh...
 *   name (string)
 *   messages (integer): number of stored messages
 *   unread (integer): number of unread incoming messages
 *   mentions (integer) is the number of unread messages that name the user of this device.
 *   marked_unread (boolean) is true after chats.mark_unread, until something in the chat is read.
 *   muted (boolean) is true if the program is to be quiet about new messages of the chat: until
 *       muted_until, in ms, or if that is 0 until it is no longer muted.
 *   muted_until (integer, not always)
 *   archived (boolean)
 *   clearing (integer, not always) is the number of messages that were cleared and are still being
 *       erased. They are not shown, found or counted any more.
 *   draft (string, not always) is a text that is not sent yet.
 *   expires_in (integer, not always) is the timer of the chat: seconds after which its new messages
 *       are erased; left out if they stay.
 *   request (boolean) is true if the other person is a stranger: somebody we have not added,
 *       accepted, asked to be a contact or written to.
 *   last_message (Message, not always)
 *   key_exchange (KeyExchange) is what protects the messages to the other person: "x3dh" or
 *       "noise". */

/* Check is one check of the network's health.
 *   name (string)
 *   result (CheckResult)
 *   cause (string) says what was found, in one sentence.
 *   remedy (string, not always) says what can be done about it. Left out for most checks that have
 *       passed.
 *   details (object of any, not always) are numbers and names for programs. */

/* Contact is a person we know.
 *   public_key (string): 0x04...
 *   chat_key (string): zQ3sh...
 *   name (string) is the name we gave this person.
 *   display_name (string) is the name they gave themselves. It is not verified.
 *   added (boolean) is true if the person is in the address book, and false for somebody who only
 *       wrote to us or we to them.
 *   added_at (integer, not always)
 *   trust (Trust) is "unknown", "requested" (one side has asked to be a contact), "mutual" (both
 *       sides have asked or accepted), "verified" (we made sure that the key is theirs) or
 *       "blocked".
 *   request (RequestState) is the state of the contact requests: "none", "sent", "received",
 *       "declined" (by us) or "mutual".
 *   request_id (string, not always) is the id of the message that carried their latest contact
 *       request.
 *   verified_by (VerifiedBy, not always) is the way the key was verified: "safety_number",
 *       "question", "card" or "own_device" (in the Status app, on another device of ours).
 *   verified_at (integer, not always)
 *   untrustworthy (boolean, not always) is true if the user has said in the Status app, on another
 *       device of ours, that this person is not to be trusted.
 *   blocked_at (integer, not always)
 *   bio (string, not always) is the text they wrote about themselves.
 *   has_picture (boolean) is true if contacts.picture has a picture of this person.
 *   presence (Presence, not always) is how they said last that they want to be seen; left out if
 *       they say nothing of it.
 *   key_exchange (KeyExchange) is what protects the messages to this person: "x3dh" (53/WAKU2-X3DH)
 *       or "noise" (35/WAKU2-NOISE). What they send is read by either.
 *   while_waiting (WhileWaiting, not always) says, if key_exchange is "noise", what becomes of
 *       messages to a device with which the handshake is pending: they "wait" or go by "x3dh". */

/* CredentialsParams are the credentials of the store, for methods that ask for them again.
 *   passphrase (string, secret, optional) is the passphrase of the store. Leave it out for a memory
 *       store.
 *   key (base64, secret, optional) is the key of a store that was created with a key. */

/* Deletion says who deleted a message.
 *   at (integer): when, in ms
 *   by (string) is the public key of who deleted it: its author, or the user of this device.
 *   for_everyone (boolean) is true if its author deleted it for both people. */

/* Device is an installation of our own identity (54/WAKU2-X3DH-SESSIONS).
 *   installation_id (string)
 *   name (string) is the name given to the device here, or else the name it announced. Other people
 *       do not see it.
 *   this_device (boolean) is true for the device the client runs on.
 *   enabled (boolean) is true if the device is part of our bundle and receives copies of what we
 *       send.
 *   active (boolean) is true if the device is enabled and among the most recently seen ones, as
 *       many as engine.max_installations allows.
 *   last_seen_at (integer) is the time something was last received from the device, in ms. */

/* DeviceParams are the parameters of devices.enable and devices.disable.
 *   installation_id (string) is the id of the device, from devices.list or a device_found event. */

/* Edit is the text of a message before an edit.
 *   text (string)
 *   at (integer): when that text was written, by its author's clock, in ms */

/* Empty is the parameter or result type of a method that takes or gives nothing. */

/* ErrorBody is the error of a response.
 *   code (ErrorCode) identifies the error. Codes are stable; the schema lists them.
 *   category (ErrorCategory) is the group of the code: "request", "identity", "contact", "message",
 *       "pairing", "store", "network" or "internal".
 *   message (string) is a text for people. It may change between versions.
 *   retryable (boolean) is true if the same call may succeed later without a change.
 *   field (string) is the path of the field at fault, such as "network.peers[0]", or "".
 *   details (object of any) are additional values that a program may use, by name. */

/* Evidence is the basis of a message's state.
 *   kind (EvidenceKind) is "relay" (passed on to mesh peers), "lightpush" (handed to a peer that
 *       relays it), "external" (published by the program, as it says), "memory" (passed on in a
 *       memory network), "store" (store nodes have it) or "device" (acknowledged by a device of the
 *       recipient).
 *   peers (integer, not always) is the number of mesh peers for "relay", of peers it was relayed to
 *       for "lightpush", and of store nodes for "store".
 *   nodes (list of string, not always) lists the peer ids of those store nodes, for "store". They
 *       may be wrong: their answers are not signed.
 *   installation (string, not always): for "device": the device's installation id
 *   at (integer) */

/* GetMessageParams are the parameters of messages.get.
 *   message_id (message id) is the id of the message, from messages.send or an event. */

/* IdentityInfo describes the identity of this client.
 *   public_key (string): 0x04...
 *   chat_key (string): zQ3sh...
 *   display_name (string)
 *   installation_id (string): the id of this device (54/WAKU2-X3DH-SESSIONS)
 *   created_at (integer) */

/* IncomingEnvelope is a WakuMessage (14/WAKU2-MESSAGE) that the program has received: the data of
 * the sender's envelope_outgoing event, or as much of it as was carried.
 *   content_topic (string) is its content topic. Envelopes on topics that are not in network.topics
 *       are ignored.
 *   payload (base64) is its payload.
 *   pubsub_topic (string, not always) is its pubsub topic. Default: that of network.status.
 *   version (integer, 0..4294967295, not always) is its version. Default: 1.
 *   timestamp (nanoseconds, not always) is its timestamp in ns since 1970, in decimal digits.
 *       Default: now.
 *   ephemeral (boolean, not always) is ignored. It is accepted because the event has it.
 *   envelope_id (envelope id, not always) is ignored. It is accepted because the event has it. */

/* Info is the result of status1to1_info.
 *   version (string) is the library's version.
 *   abi_version (integer) is the number that status1to1_abi_version returns.
 *   build (BuildInfo) describes the build of this library.
 *   specs (list of string) are the specifications this version implements.
 *   networks (list of NetworkKind) are the values that network.kind may have.
 *   stores (list of StoreKind) are the values that store.kind may have.
 *   strings_held (integer) is the number of strings returned by the library and not yet freed by
 *       the program. It is 0 in a program that frees them all. */

/* KeyParams name a person by public key.
 *   key (key) is the person's public key, in any accepted form. */

/* Mention is a person named in a text.
 *   from (integer): where it begins, in code points
 *   length (integer): in code points
 *   key (string) is the public key of the person, "" if everyone is named. */

/* MentionParams are a part of a text that names a person.
 *   from (integer, 0..4096) is where it begins, in code points.
 *   length (integer, 1..4096) is its length in code points.
 *   key (key, optional) is the person's public key, in any accepted form; left out, everyone is
 *       named. */

/* Message is one message of a conversation.
 *   message_id (string): 0x + 32 bytes: keccak256(sender key || application message)
 *   chat_id (string): the other person's uncompressed key, 0x04...
 *   from (string) is the public key of the author.
 *   outgoing (boolean)
 *   kind (MessageKind) is "text", "emoji" (a text of emoji only), "status" (a text that tells how
 *       its author is), "sticker", "image", "audio", "bridge" (carried over from another network),
 *       "contact_request" (a text that asks to be a contact) or "unsupported" (a type this version
 *       does not know).
 *   text (string)
 *   clock (integer) is the Lamport clock of the message (62/STATUS-PAYLOADS), in ms; it orders the
 *       messages of the conversation. A clock too far ahead of our time is replaced by the clock of
 *       the newest message at arrival.
 *   clock_skew (integer, not always) is how far the sender's clock is ahead of our time, in ms. It
 *       is set if that is more than two minutes and the conversation is not as far ahead: one of
 *       the two clocks is wrong.
 *   sent_at (integer) is the time of sending, by the sender's clock.
 *   received_at (integer) is the time of arrival, by our clock; 0 for messages sent from this
 *       device.
 *   state (DeliveryState) is "queued", "sent" (handed to the network), "stored" (a store node has
 *       it; only where there are store nodes, and left out if it is delivered sooner), "delivered"
 *       or "failed" for an outgoing message and "received" for an incoming one. It moves through
 *       these in order, with two exceptions: a failed message that is sent again, by messages.retry
 *       or because its recipient is back, is "queued"; and a failed message that is acknowledged
 *       after all is "delivered".
 *   evidence (Evidence, not always) shows what the state of an outgoing message is based on.
 *   failure (MessageFailure, not always) is the reason a message failed: "undeliverable" (no
 *       acknowledgement in 20 days 12 hours, with the default resend_base_ms: the recipient is away
 *       or does not accept it), "cancelled" (by messages.cancel) or "too_large" (the network does
 *       not carry it, or not for all devices of the recipient). Undeliverable messages are sent
 *       again when their recipient is back: the last 100 of each person, up to 70 days after they
 *       failed and up to 3 times.
 *   waiting (MessageWaiting, not always) is "waiting_for_peer" while a queued message cannot go
 *       because a Noise handshake with its recipient is pending (key_exchange of the contact). It
 *       is left out otherwise.
 *   client_ref (string, not always)
 *   sender_name (string, not always) is the display name sent with the message. It is not verified.
 *   application_type (integer, not always) is the number of the message's type in
 *       ApplicationMetadataMessage, if kind is "unsupported".
 *   read (boolean)
 *   request (boolean, not always) is true while the message waits in a chat request
 *       (engine.strangers is "request"). It is reported by a message_received event when its sender
 *       is accepted, added or written to.
 *   before_device (boolean, not always) is true if, by the sender's signed clock, the message was
 *       written before this device was set up, and it is encrypted for any device of ours. Another
 *       device may have received it long ago, and somebody may have recorded it and published it
 *       again.
 *   devices (list of MessageDevice, not always) are the devices that have an outgoing message.
 *       messages.get also lists those it is still being sent to.
 *   reply_to (string, not always) is the id of the message that this one answers; it may be one
 *       that is not here.
 *   edited (integer or null) is the clock of the latest edit by the author, in ms; null if there is
 *       none.
 *   edits (list of Edit, not always) are the texts before the edits, oldest first, if
 *       engine.keep_edits is set.
 *   deleted (Deletion or null) is null unless the message was deleted. Then its text is empty, and
 *       nothing is left of its attachments, reactions and edits.
 *   reactions (list of Reaction, not always) are those of both people, oldest first.
 *   pinned (boolean) is true if one of the two has pinned the message.
 *   mentions (list of Mention, not always) are the people named in the text.
 *   previews (list of Preview, not always) are descriptions of links in the text, made by its
 *       author and not checked.
 *   attachments (list of Attachment, not always) are the pictures and recordings of the message.
 *   album_id (string, not always) names the messages that show the pictures of one album.
 *   sticker (Sticker, not always) is set if kind is "sticker".
 *   bridge (Bridge, not always) is set if kind is "bridge".
 *   thread_id (string, not always) names the thread the author wrote in, for programs that show
 *       threads.
 *   expires_at (integer, not always) is when the message is erased, in ms; left out if it stays. */

/* MessageDevice is a device, and whether it has received a message.
 *   installation_id (string)
 *   own (boolean) is true for the other devices of our own identity.
 *   acknowledged_at (integer) is the time the device acknowledged the message, in ms; 0 if it has
 *       not yet. */

/* NetworkPeer is a peer that is connected or configured.
 *   peer_id (string)
 *   address (string, not always)
 *   connected (boolean)
 *   static (boolean): true for peers from the configuration or network.connect, which are redialled
 *   on_demand (boolean, not always) is true for a store node of the configuration that is connected
 *       to only when it is asked for something.
 *   on_shard (boolean) is true while the peer is on one of our shards. Only then does what we
 *       publish reach it, and only then does it count for network.wait. In light mode it is a
 *       service node of one of our shards.
 *   error (string, not always) is the reason a static peer is not connected or not on our shards:
 *       it cannot be reached, or is of another cluster or shard. */

/* NetworkProtocol counts the peers that speak a protocol.
 *   protocol (NetworkProtocolName): "relay", "store", "filter", "lightpush" or "peer_exchange"
 *   peers (integer) */

/* NetworkShard is a shard the node listens on.
 *   shard (integer)
 *   pubsub_topic (string)
 *   peers (integer): that are on it: what is published there reaches them */

/* NetworkStatus describes the network at one moment.
 *   kind (NetworkKind): "waku", "memory" or "external"
 *   mode (NodeMode, not always) is "relay" or "light"; left out where there are no modes.
 *   state (NetworkState) is "online" (messages can be published, and in light mode a service node
 *       pushes to us), "offline" or "stopped".
 *   peer_id (string, not always)
 *   listen_addresses (list of string): our multiaddresses with /p2p/<peer id>, for others to
 *       connect to
 *   peers (list of NetworkPeer)
 *   pubsub_topic (string) is the topic of the shard that is published on at the moment.
 *   shards (list of NetworkShard, not always) are all shards the node listens on while it runs, the
 *       preferred one first. It publishes on the first that has enough peers.
 *   subscriptions (list of NetworkSubscription, not always) lists the subscriptions at service
 *       nodes, in light mode. Each content topic is subscribed at two nodes where there are two.
 *   protocols (list of NetworkProtocol, not always) counts, for each protocol that we use, the
 *       connected peers that speak it. */

/* NetworkSubscription is the subscription at one service node (12/WAKU2-FILTER).
 *   peer_id (string)
 *   working (boolean) is true once the node has accepted all content topics of the first request.
 *   topics (integer): number of content topics that it has accepted
 *   worked_at (integer, not always) is the time at which the node was last known to push, in ms
 *       since 1970; left out until it is working. */

/* NoiseSession is a session of 37/WAKU2-NOISE-SESSIONS.
 *   id (string) is the public form of the session id: SHA256(SHA256(session-id)).
 *   state (NoiseSessionState) is "active", "stale" (over; only late messages are still decrypted)
 *       or "terminated".
 *   created_at (integer)
 *   heard_at (integer) is the time the latest message from the other device arrived.
 *   expires_at (integer) is the time the other device's certificate expires, which ends the
 *       session.
 *   due (boolean) is true if the session should be renewed by pairing again: its keys are old or
 *       much used, or it ends within two weeks. */

/* OpenResult is the result of status1to1_open.
 *   client (integer) is the handle of the client, below 2^53.
 *   identity (IdentityInfo or null) is the identity in the store, or null if there is none yet. */

/* PairedDevice describes the other device of a pairing, according to its certificate.
 *   public_key (string): 0x04...
 *   chat_key (string): zQ3sh...
 *   installation_id (string)
 *   own (boolean) is true if the device belongs to our own identity, and false if it belongs to
 *       another person.
 *   provisional (boolean) is true if the device has no identity yet. Its keys were made for the
 *       pairing and are nobody's: only the authcode tells whose device it is. It gets our identity
 *       by devices.sync. */

/* Pairing is one pairing with another device.
 *   pairing_id (string)
 *   state (PairingState) is "shown" (the invitation waits to be scanned), "scanned" (this device
 *       has scanned an invitation and waits for the other one), "compare" (the user has to compare
 *       the authcodes), "confirmed" (the user has confirmed here, and the other device is still to
 *       answer), "paired", "failed" or "ended" (the devices were paired and no longer are).
 *   asks (boolean) is true if this device asks to be paired with the other one, which the user
 *       already has set up.
 *   shows (boolean) is true if this device shows the invitation and the other one scans it.
 *   invitation (string, not always) is the text for the QR code, while one is shown.
 *   expires_at (integer, not always) is the time a new invitation replaces this one.
 *   authcode (string, not always) is the 8 digits that both devices must show, while the user
 *       compares them.
 *   peer (PairedDevice, not always) is the other device, once paired.
 *   session (NoiseSession, not always) is the session between the two devices, once paired.
 *   cause (ErrorCode, not always) is the error code if the pairing failed or ended.
 *   by (Side, not always) tells which device gave up: "local" or "remote".
 *   created_at (integer)
 *   paired_at (integer, not always)
 *   ended_at (integer, not always) */

/* PairingParams are the parameters of methods about one pairing.
 *   pairing_id (pairing id) is the id of the pairing, from an event or pairing.list. */

/* Picture is the result of pictures.qr and pictures.identicon.
 *   format (PictureFormat) is "png", "svg" or "terminal".
 *   data (base64, not always) holds the bytes of a PNG, in base64.
 *   text (string, not always) holds an SVG, or the lines for a terminal.
 *   modules (integer, not always) is the number of modules on each side of a QR code, without its
 *       border. */

/* Presence tells how somebody wants to be seen.
 *   status (PresenceStatus) is "automatic" (there while their app runs, which says so every five
 *       minutes), "always_online", "do_not_disturb" or "inactive".
 *   text (string, not always) is a text of their own, or empty.
 *   at (integer) is when they said so, by their clock, in ms.
 *   online_until (integer, not always) is how long they count as online, in ms, unless they say so
 *       again; left out if they do not want to be seen so. */

/* PresenceResult is the result of the presence methods.
 *   presence (Presence or null) is how we are to be seen; null if that is not published. */

/* Preview describes the target of a link, as the author of the message gave it.
 *   url (string)
 *   kind (PreviewKind) is "link", "image", "contact", "community" or "channel": the last three are
 *       links of the Status app.
 *   title (string, not always)
 *   description (string, not always)
 *   key (string, not always) is the public key of the person, if kind is "contact".
 *   thumbnail (base64, not always) is a picture of at most 4096 bytes, in base64.
 *   thumbnail_id (string, not always) names a larger picture, for attachments.read.
 *   thumbnail_width (integer, not always)
 *   thumbnail_height (integer, not always) */

/* PreviewParams describes a link in the text.
 *   url (string) is the link, as it stands in the text.
 *   kind (SendPreviewKind, optional) is "link", "image" (the link leads to a picture) or "contact"
 *       (it is a Status link to a person). Default: "link".
 *   title (string, optional) is at most 300 code points; a link needs one.
 *   description (string, optional) is at most 1000 code points.
 *   key (key, optional) is the person's public key, in any accepted form, for kind "contact".
 *   thumbnail (base64, optional) is a JPEG, PNG, GIF or WebP picture of at most 358400 bytes.
 *   thumbnail_width (integer, 0..100000, optional) is its width in pixels, needed with it.
 *   thumbnail_height (integer, 0..100000, optional) is its height in pixels, needed with it. */

/* Profile is the part of an identity that other people see.
 *   display_name (string)
 *   bio (string)
 *   color (integer) is the accent colour in the Status app, 0 to 17.
 *   picture (ProfilePicture, not always) is our picture and its type; left out if there is none.
 *   link (string) is the Status link to us, with our display name and bio.
 *   shown_by_status (boolean) is true if the Status app shows this display name: 5 to 24
 *       characters, letters a to z, digits, spaces, _ and -. */

/* ProfilePicture is a profile picture in a known image format.
 *   mime (string): image/jpeg, image/png, image/gif or image/webp
 *   data (base64): base64 */

/* Reaction is an emoji that somebody put under a message.
 *   emoji (string)
 *   from (string): public key, 0x04...
 *   at (integer): when, by that person's clock, in ms */

/* Segment is a piece of the coloured ring around a person's picture in the Status app.
 *   length (integer): 1 to 5
 *   color (integer): index into the app's palette, 0 to 31 */

/* SendBatchItem is the result for one message of a batch: either message or error is present, never
 * both.
 *   message (Message, not always) is the queued message, as messages.send returns it.
 *   error (ErrorBody, not always) is the reason this message was not queued. Its field is a
 *       parameter of messages.send. */

/* SendParams are the parameters of messages.send.
 *   to (key) is the recipient's public key, in any accepted form.
 *   text (string, optional) is the text of the message: 1 to 4096 code points, not only white
 *       space. It is left out with a sticker. One of emoji only makes a message of kind "emoji".
 *   kind (SendKind, optional) is "text", the default, or "status".
 *   reply_to (message id, optional) is the id of the message of the same chat that this one
 *       answers.
 *   sticker (StickerParams, optional) is sent in place of a text.
 *   mentions (list of MentionParams, optional) are parts of the text, such as names, that name
 *       people. Each is replaced by @ and the person's key, as the Status app writes mentions; so
 *       the message that is returned has another text. A text may also have them written that way
 *       already.
 *   previews (list of PreviewParams, optional) are descriptions of links in the text, at most 5.
 *       The library opens no links: the program has made them.
 *   expires_in (integer, 0..31536000, optional) is the number of seconds after which the message is
 *       erased on both sides, at most a year; 0 is never. Left out, the timer of the conversation
 *       says it (chats.timer).
 *   attachments (list of AttachmentParams, optional) are one recording (AAC in ADTS frames, or
 *       AMR), or 1 to 10 pictures (JPEG, PNG, GIF, WebP). Each picture is a message of its own with
 *       the same text, which may be left out; several are an album, and the first of its messages
 *       is returned.
 *   client_ref (string, optional) makes it safe to repeat a call: with the same client_ref, the
 *       first message is returned and nothing is sent again. The caller chooses the value, for
 *       example a UUID; at most 128 bytes. */

/* Session is one session with one installation of a person.
 *   public_key (string)
 *   installation_id (string)
 *   key_exchange (KeyExchange) is what the session came from: "x3dh" or "noise".
 *   session_id (string) is the signed pre-key the session started from, or for "noise" the hash
 *       that names its content topic.
 *   state (SessionState) is "initiated" (our messages still carry the X3DH header; for "noise": a
 *       handshake is under way, or the other side was not heard in the session yet), "established",
 *       "handed_over" (to another device of ours: this one only reads in it) or "expired".
 *   sending (boolean): true if new messages use this session
 *   sent (integer): number of messages in the current sending chain
 *   received (integer): number of messages in the current receiving chain
 *   skipped (integer): number of keys kept for late messages
 *   created_at (integer)
 *   used_at (integer) */

/* SessionList is the result of sessions.list.
 *   sessions (list of Session) are the ratchet sessions and Noise sessions. */

/* Sticker names a picture of a pack. The picture itself is not in the message.
 *   hash (string)
 *   pack (integer) */

/* StickerParams name a sticker: the picture itself is not sent.
 *   hash (string) is the content hash of the picture as the Status app writes it, 1 to 200 bytes.
 *   pack (integer, 0..2147483647) is the number of its pack. */

/* StoreNode is a store node, and how it has answered.
 *   peer_id (string)
 *   fault (string, not always) is what was wrong with its last answer; it is not asked before
 *       retry_at then. Left out for a node that answers.
 *   retry_at (integer, not always) is the time after which it is asked again, in ms since 1970.
 *   fetched (integer) counts the envelopes that it gave since the client was opened.
 *   lacks (integer) counts the envelopes since then that another node gave and it did not have. */

/* Sync is a sync with a paired device.
 *   sync_id (string)
 *   pairing_id (string)
 *   offers (boolean) is true if this device offers and sends what it knows, and false if it
 *       receives.
 *   state (SyncState) is "offered" (the user of the receiving device has to accept), "running",
 *       "done" or "failed".
 *   paused_here (boolean) is true while it is paused on this device, paused_there while it is
 *       paused on the other one. It goes on when it is paused on neither.
 *   paused_there (boolean)
 *   moved (integer) is the number of people, conversations and messages that the receiving device
 *       has merged.
 *   total (integer) is the number of all of them as counted at the beginning. It may grow.
 *   cause (ErrorCode, not always) is the error code if the sync failed.
 *   by (Side, not always) tells which device gave up: "local" or "remote".
 *   created_at (integer)
 *   ended_at (integer, not always) */

/* SyncParams are the parameters of methods about one sync.
 *   sync_id (sync id) is the id of the sync, from devices.sync, an event or devices.syncs. */

/* Traffic counts the bytes that the sockets of a network node carried, without the headers of TCP
 * and IP, and how often it woke up.
 *   bytes_in (integer) counts the bytes received.
 *   bytes_out (integer) counts the bytes sent.
 *   wakeups (integer) counts how often something arrived, was sent or was due after two seconds in
 *       which nothing had been.
 *   bytes_per_hour (integer) is the mean of both directions since the client was opened.
 *   wakeups_per_hour (integer) is the mean of wakeups since the client was opened. */

/* Transfer is data being sent to or received from a paired device.
 *   transfer_id (string)
 *   pairing_id (string)
 *   outgoing (boolean)
 *   name (string) is the name the sender gave the data. For an incoming transfer it is a single
 *       line without control characters, but untrusted: do not use it as a path.
 *   size (integer): bytes
 *   sha256 (string) is the hash of all bytes. It has been verified if an incoming transfer is done.
 *   moved (integer) is the number of bytes the receiver has.
 *   state (TransferState) is "running", "done" or "failed".
 *   cause (ErrorCode, not always) is the error code if the transfer failed.
 *   by (Side, not always) tells which device gave up: "local" or "remote".
 *   created_at (integer)
 *   ended_at (integer, not always) */

/* TransferParams are the parameters of methods about one transfer.
 *   transfer_id (transfer id) is the id of the transfer, from an event or transfers.list. */

/* Verification is a question one person asked the other to make sure that the key is theirs, with
 * its answer and state.
 *   verification_id (string): the message id of the question
 *   public_key (string): the other person's key
 *   outgoing (boolean) is true if we asked the question.
 *   question (string)
 *   answer (string, not always)
 *   state (VerificationState) is "asked", "answered", "declined" or "cancelled"; for our questions
 *       also "confirmed" (the answer was right and the person is verified) or "rejected".
 *   asked_at (integer)
 *   answered_at (integer, not always) */

/* VALUES - Strings of which there is a fixed number. Later versions may add some to those of
 * results and events. */

/* AttachmentKind is a picture or a recording.
 * Values:
 *   "image"
 *   "audio" */

/* AttachmentState says whether the bytes of an attachment are here.
 * Values:
 *   "stored"
 *   "unchecked": they are here, but are not what their sender says, are damaged, or would make a
 *       picture too large to be decoded without care
 *   "missing": they are not on this device */

/* BackupAction tells whether a backup is being written or read.
 * Values:
 *   "export"
 *   "import" */

/* CatchUpFailure is the reason fetching failed.
 * Values:
 *   "store_nodes": none of them has answered completely
 *   "store": messages could not be stored in, or topics not read from, the store of the client */

/* CatchUpState is the state of fetching what was missed.
 * Values:
 *   "waiting": for the first store node, or after an interruption
 *   "running"
 *   "done"
 *   "failed": it is tried again */

/* ChatChange is the cause of a change of a chat.
 * Values:
 *   "read"
 *   "unread"
 *   "muted": or no longer
 *   "archived": or no longer
 *   "draft"
 *   "cleared": and once more when the last of many messages is erased
 *   "deleted"
 *   "timer"
 *   "expired": many messages of it at once */

/* CheckResult is the result of a check of network.doctor.
 * Values:
 *   "passed"
 *   "warning": it works, but not as well as it could
 *   "failed"
 *   "skipped": it cannot be made, or does not apply here */

/* CloseReason is the reason a client was closed.
 * Values:
 *   "close": the program closed it
 *   "internal": a defect of the library
 *   "deleted": the identity was deleted */

/* DeliveryState says how far a message has come: in order, but for a failed one, which may be
 * queued again or turn out to be delivered.
 * Values:
 *   "queued": stored, and not published yet
 *   "sent": handed to the network, or sent by another device of ours
 *   "stored": a store node has it
 *   "delivered": acknowledged by a device of the recipient
 *   "failed": given up or cancelled; its failure says why
 *   "received": an incoming message */

/* ErrorCategory is the group of an error code.
 * Values:
 *   "request"
 *   "identity"
 *   "contact"
 *   "message"
 *   "pairing"
 *   "store"
 *   "network"
 *   "internal" */

/* EvidenceKind is the kind of evidence for the state of a message.
 * Values:
 *   "relay": passed on to mesh peers
 *   "lightpush": handed to a peer that relays it
 *   "external": published by the program, as it says
 *   "memory": passed on in a memory network
 *   "store": store nodes have it
 *   "device": acknowledged by a device of the recipient */

/* IdenticonFormat is the form of a drawn identicon.
 * Values:
 *   "png": the default
 *   "svg" */

/* IdenticonStyle is a picture by which people tell keys apart.
 * Values:
 *   "ring": the ring of colours around a disc, as the Status app shows people; the default
 *   "identicon": the pattern of squares of its earlier versions */

/* KeyExchange names the protocol that protects the messages to a person.
 * Values:
 *   "x3dh": 53/WAKU2-X3DH; the default
 *   "noise": 35/WAKU2-NOISE and 37/WAKU2-NOISE-SESSIONS */

/* KeyExchangeChange is the reason what protects messages has changed.
 * Values:
 *   "chosen": by contacts.set_key_exchange
 *   "card": the contact card says so, or it was chosen with it
 *   "handshake": they have finished a Noise handshake with us, and nothing else was chosen */

/* Language is a BIP39 word list.
 * Values:
 *   "english": the default, and the only one the Status app can read
 *   "chinese_simplified"
 *   "chinese_traditional"
 *   "czech"
 *   "french"
 *   "italian"
 *   "japanese"
 *   "korean"
 *   "spanish" */

/* LogLevel is the level of a diagnostic line.
 * Values:
 *   "debug"
 *   "info": the default
 *   "warn"
 *   "error" */

/* MessageChange is the cause of a change of a message.
 * Values:
 *   "edited"
 *   "deleted"
 *   "reaction"
 *   "pinned": or unpinned
 *   "attachment"
 *   "content": this version of the library can read it now
 *   "expired": it is gone */

/* MessageFailure is the reason a message failed.
 * Values:
 *   "undeliverable": no acknowledgement in 20 days 12 hours, with the default resend_base_ms
 *   "cancelled": by messages.cancel
 *   "too_large": the network does not carry it, or not for all devices of the recipient
 *   "on_other_device": it came with an archive, and was still waiting on the device that wrote it */

/* MessageKind says what a message is.
 * Values:
 *   "text"
 *   "emoji": a text of emoji only
 *   "status": a text that tells how its author is
 *   "sticker"
 *   "image"
 *   "audio"
 *   "bridge": carried over from another network
 *   "community": an invitation to a community
 *   "contact_request": a text that asks to be a contact
 *   "unsupported": a type that this version does not know */

/* MessageWaiting is the reason a queued message cannot go.
 * Values:
 *   "waiting_for_peer": a Noise handshake with its recipient is pending */

/* NetworkKind is the way messages travel.
 * Values:
 *   "waku": a Waku node in this process; the default
 *   "memory": a network inside this process, for tests
 *   "external": the program carries the envelopes itself */

/* NetworkMode selects the way a node takes part in a Waku network.
 * Values:
 *   "relay": it receives everything on its shards and passes it on; the default
 *   "light": it is a client of service nodes, for phones
 *   "auto": light on Android and iOS, and relay elsewhere */

/* NetworkPreset is a known network.
 * Values:
 *   "status.prod": the network of the Status app
 *   "local": nodes on one machine */

/* NetworkProtocolName is a protocol that a node uses.
 * Values:
 *   "relay": 11/WAKU2-RELAY
 *   "store": 13/WAKU2-STORE
 *   "filter": 12/WAKU2-FILTER
 *   "lightpush": 19/WAKU2-LIGHTPUSH
 *   "peer_exchange": 34/WAKU2-PEER-EXCHANGE */

/* NetworkState tells whether messages can be published.
 * Values:
 *   "online": they can, and in light mode a service node pushes to us
 *   "offline"
 *   "stopped": not started, or closed */

/* NodeMode names the way a node takes part in a Waku network.
 * Values:
 *   "relay": it passes on what others publish
 *   "light": it is a client of service nodes */

/* NoiseSessionState is the state of the session with a paired device.
 * Values:
 *   "active"
 *   "stale": over; only late messages are still decrypted
 *   "terminated" */

/* PairingState is the state of a pairing.
 * Values:
 *   "shown": the invitation waits to be scanned
 *   "scanned": this device has scanned an invitation and waits for the other one
 *   "compare": the user has to compare the authcodes
 *   "confirmed": the user has confirmed here, and the other device is still to answer
 *   "paired"
 *   "failed"
 *   "ended": the devices were paired and no longer are */

/* PictureFormat is the form of a drawn picture.
 * Values:
 *   "png": the default
 *   "svg"
 *   "terminal": lines of block characters */

/* PresenceChoice selects the way others see us.
 * Values:
 *   "automatic": there while this client is open and online
 *   "always_online"
 *   "do_not_disturb"
 *   "inactive"
 *   "off": nothing is published any more */

/* PresenceStatus names the way somebody wants to be seen.
 * Values:
 *   "automatic": there while their app runs, which says so every five minutes
 *   "always_online"
 *   "do_not_disturb"
 *   "inactive" */

/* PreviewKind is where a link leads.
 * Values:
 *   "link"
 *   "image": to a picture
 *   "contact": a Status link to a person
 *   "community": a Status link to a community
 *   "channel": a Status link to a channel of a community */

/* PublishFailure is the reason an envelope is not out.
 * Values:
 *   "unavailable": it may be tried again
 *   "too_large": it can never be published, and the messages in it have failed */

/* QRLevel selects the share of a QR code that may be dirty or covered.
 * Values:
 *   "L": 7 %; the default, and right for screens
 *   "M": 15 %
 *   "Q": 25 %
 *   "H": 30 % */

/* RequestState is the state of the contact requests between a person and us.
 * Values:
 *   "none"
 *   "sent": we have asked
 *   "received": they have asked
 *   "declined": by us
 *   "mutual": both have asked or accepted */

/* SendKind is the kind of a text that is sent.
 * Values:
 *   "text": the default
 *   "status": a text that tells how its author is */

/* SendPreviewKind is where a link of a message to send leads.
 * Values:
 *   "link": the default
 *   "image": to a picture
 *   "contact": a Status link to a person */

/* SessionFault is the reason a session was lost.
 * Values:
 *   "no_session"
 *   "no_pre_key"
 *   "undecryptable" */

/* SessionState is the state of a session with a device.
 * Values:
 *   "initiated": our messages still carry the X3DH header; of Noise: a handshake is under way, or
 *       the other side was not heard in the session yet
 *   "established"
 *   "handed_over": to another device of ours: this one only reads in it
 *   "expired" */

/* Side is one of two paired devices.
 * Values:
 *   "local": this device
 *   "remote": the other one */

/* StoreKind is the place where a client keeps its data.
 * Values:
 *   "file": an encrypted file; the default
 *   "memory": nothing is on disk; for tests */

/* Strangers selects the treatment of people who write to us unasked.
 * Values:
 *   "allow": their messages are delivered; the default
 *   "request": only their contact requests are shown, and anything else waits in a chat request
 *   "deny": their messages are ignored without being decrypted */

/* SyncState is the state of a sync with a paired device.
 * Values:
 *   "offered": the user of the receiving device has to accept
 *   "running"
 *   "done"
 *   "failed" */

/* TransferState is the state of a transfer.
 * Values:
 *   "running"
 *   "done"
 *   "failed" */

/* Trust is the level of trust in a person.
 * Values:
 *   "unknown": they wrote to us, or we to them
 *   "requested": one side has asked to be a contact
 *   "mutual": both sides have asked or accepted
 *   "verified": we made sure that the key is theirs
 *   "blocked": everything they send is ignored */

/* VerificationState is the state of a question that verifies a person.
 * Values:
 *   "asked"
 *   "answered"
 *   "declined"
 *   "cancelled"
 *   "confirmed": of our questions: the answer was right and the person is verified
 *   "rejected": of our questions: the answer was wrong */

/* VerifiedBy is the way a key was verified.
 * Values:
 *   "safety_number": the safety numbers were compared
 *   "question": they answered a question that only they can answer
 *   "card": they handed us their contact card
 *   "own_device": in the Status app, on another device of ours */

/* WhileWaiting says what becomes of messages to a device with which a Noise handshake is pending.
 * Values:
 *   "wait": they wait for the peer; the default
 *   "x3dh": they go by X3DH */

/* ERROR CODES - Every method can fail with bad_json, unknown_method, unknown_field, bad_params,
 * bad_client, closed, forked, internal, and with those its description lists. Retryable is what may
 * succeed later without a change. */

/* bad_params: (request) A parameter is missing or of the wrong kind. Correct the named field. */

/* bad_config: (request) The configuration given to open is not usable. Correct the named field. */

/* unknown_field: (request) A field is unknown to this method, or appears twice. Remove it, or check
 * its spelling: names match exactly. */

/* unknown_method: (request) There is no such method; details.nearest names a method with a similar
 * name, if there is one. See the list of methods in the schema. */

/* bad_json: (request) The text is not one valid JSON value in UTF-8. Correct the JSON. */

/* bad_client: (request) The handle does not belong to an open client. Use the handle that
 * status1to1_open returned. */

/* closed: (request) The client was closed while the call ran. Open it again. */

/* forked: (request) The process was forked after the library was loaded. Load the library after the
 * fork, or spawn a new program. */

/* internal: (internal) A defect in the library; the client was closed. Open the client again, and
 * report the defect with details.report_id. */

/* timeout: (network, retryable) The deadline passed before the call could finish. Try again, or
 * with a later deadline. */

/* no_identity: (identity) This store has no identity yet. Call identity.create, identity.restore or
 * identity.import first. */

/* identity_exists: (identity) This store already has an identity. Use another store for another
 * identity. */

/* bad_phrase: (identity) The seed phrase is not valid; details.cause is "length" (details.words is
 * the number of words given), "word" (details.word is the position of the wrong word, and
 * details.fault is "unknown", "ambiguous" or "other_language"), "checksum" or "two_languages".
 * Check the words, their order and their number. */

/* bad_key: (identity) The key is not a valid secp256k1 key in an accepted form; details.cause tells
 * what was given instead: "ens_name", "ethereum_address", "private_key", "link" (a link to
 * something else, or a truncated one) or "other_text". Give 0x04..., 0x02/0x03..., zQ3sh... or a
 * Status link. */

/* bad_cursor: (request) The cursor was not returned by this list. Start again without a cursor. */

/* not_found: (request) What was asked for does not exist. Check the id or the key. */

/* self: (message) The key is our own. Give another person's key. */

/* empty: (message) The text or name is empty or invisible: it has only spaces, control characters
 * and other characters that do not show. Give a text with visible characters. */

/* too_long: (message) The text is longer than allowed. Shorten it to the limit in details.max. */

/* too_large: (message) The message is larger than one may be, or than the network carries. Make it
 * smaller; details.max is the limit of a message, in bytes. */

/* too_many: (request, retryable) A limit has been reached. Wait until earlier work is done, or
 * remove something. */

/* client_ref_reused: (message) The client_ref was already used for a different message. Use a new
 * client_ref for a new message. */

/* blocked: (contact) This person is blocked. Unblock them first. */

/* wrong_state: (contact) The state of the contact or the message, or the kind of the network, does
 * not allow this; details.request, details.state or details.kind is that state or kind. Do only
 * what this state allows. */

/* not_verified: (contact) The safety number does not match. Compare again; if it still differs, the
 * key is not theirs. */

/* bad_picture: (identity) The picture is too large or of an unknown type; where a QR code was to be
 * read in it, details.cause is "format" (no PNG or JPEG, or damaged), "too_large", "no_code" (none
 * that can be read) or "content" (a code that holds no text). Give a JPEG, PNG, GIF or WebP within
 * the limits in details; for a QR code a sharp PNG or JPEG in which it is large. */

/* bad_attachment: (message) A picture or recording cannot be sent or shown; details.index is its
 * place in attachments, and details.cause is "format" (it is not JPEG, PNG, GIF, WebP, AAC in ADTS
 * frames or AMR, whatever its name says), "damaged" (truncated, or its parts contradict each
 * other), "too_large" (too many bytes, pixels or frames) or "album" (several were given, and not
 * all are pictures). Give a whole file of one of these formats, of at most details.max bytes as it
 * is sent. */

/* bad_card: (contact) The contact card cannot be used; details.cause is "other_text" (not a card),
 * "no_card" (a key or a link without a card), "truncated", "version" (of a newer version of the
 * library), "altered" (changed, or signed by somebody else), "invalid" (signed, but with a value
 * that no card may have), "somebody_else" (not that of the person its link names), "future" (issued
 * later than now: a clock is wrong), "expired", "own", "replayed" (added here before) or "outdated"
 * (a newer card of that device was added before). Ask the person for a new card; for no_card use
 * contacts.add. */

/* store_locked: (store, retryable) Another client or process has the store open. Close it there
 * first. */

/* store_corrupt: (store) The store file is damaged. Restore a backup; see details. */

/* store_io: (store, retryable) Reading or writing the store file failed. Follow the message;
 * details.errno is the name of the system's error, such as ENOSPC, if there is one. */

/* store_suspended: (store, retryable) The store is suspended. Call store.resume. */

/* store_newer: (store) The store was written by a newer version of the library. Update the library. */

/* wrong_passphrase: (store) The passphrase does not open this store. Give the right passphrase. */

/* port_in_use: (network, retryable) The listen address is in use. Choose another port, or 0 for any
 * free one. */

/* bad_address: (network) The address is not a usable multiaddress. Give /ip4/<address>/tcp/<port>,
 * followed by /p2p/<peer id> for a peer. */

/* no_peers: (network, retryable) There is no peer to publish to. Connect to a peer. */

/* undeliverable: (network) No acknowledgement came in 20 days of attempts. The message is sent
 * again when the recipient is back; or call messages.retry. */

/* cancelled: (message) The message, or a call of a program that uses the library over JSON-RPC, was
 * cancelled. Call messages.retry to send a message after all. */

/* network_down: (network, retryable) The network is not running. Create or restore an identity:
 * that starts the network. */

/* on_other_device: (message) The message came with an archive, and was still waiting on the device
 * that wrote it. That device sends it if it is still in use; otherwise write it again. */

/* bad_archive: (store) The file is not a whole backup; details.cause is "format" (another kind of
 * file), "version" (made by a newer version of the library), "truncated" or "damaged", and
 * details.offset is the byte at which that shows. Use another copy of the backup; what is here from
 * an import that stopped stays, and importing a whole copy completes it. */

/* file_io: (request, retryable) A file that is not the store cannot be read or written, or exists
 * already and is not replaced. Follow the message; details.errno is the name of the system's error,
 * such as ENOENT, if there is one. */

/* bad_invitation: (pairing) The text is not an invitation that this device can answer;
 * details.cause is "altered" (truncated, or with a changed character), "application" (made by
 * another application, or by a version with an unsafe authcode), "own" or "other_text". Give the
 * whole text from the pairing_invitation event of the other device. */

/* pairing_state: (pairing) The state of the pairing or the transfer does not allow this;
 * details.state is that state. Do only what this state allows. */

/* pairing_rejected: (pairing) A user said that the authcodes differ. Start again; if they differ
 * again, somebody sits between the devices. */

/* pairing_cancelled: (pairing) A user cancelled the pairing. Start again. */

/* pairing_expired: (pairing) The invitation was scanned too late. Scan the current invitation: a
 * new one is shown every 30 seconds. */

/* pairing_used: (pairing) The invitation was already used. Start again, unless you scanned it
 * before yourself. */

/* pairing_scanned_twice: (pairing) A second device scanned the invitation. Continue if the
 * authcodes are the same; otherwise call pairing.confirm with same = false and start again. */

/* pairing_commitment: (pairing) The other device revealed a key other than the one it had committed
 * to. Start again; if it happens again, somebody sits between the devices. */

/* pairing_certificate: (pairing) The certificate of a device's key is missing, invalid or out of
 * date. Check the clocks of both devices; the other device must use this library too. */

/* pairing_timeout: (pairing, retryable) The other device did not answer in time. Start again with
 * both devices online. */

/* pairing_ended: (pairing) The pairing is over: one device discarded it, or the other was silent
 * for too long. Pair again. */

/* pairing_outdated: (pairing) The pairing is over: the certificate of the other device has expired.
 * Pair again. */

/* transfer_too_large: (pairing) The data is larger than a transfer may be, or than the other device
 * accepts. Send less; details.max is this device's limit. */

/* transfer_cancelled: (pairing) A user cancelled the transfer. Send it again. */

/* transfer_damaged: (pairing) The data that arrived does not match its hash. Send it again. */

/* transfer_stalled: (pairing) The transfer made no progress for a week. Send it again when the
 * other device is online. */

/* foreign_device: (pairing) The paired device has another identity than this one, so nothing of
 * ours is for it. Pair the right device; to use this identity there, its own identity has to be
 * deleted first. */

/* sync_state: (pairing) The state of the sync does not allow this; details.state is that state. Do
 * only what this state allows. */

/* sync_cancelled: (pairing) A user cancelled the sync; what had been merged stays. Start it again
 * with devices.sync. */

/* sync_stalled: (pairing) The sync made no progress for a week. Start it again when both devices
 * are online. */

/* sync_damaged: (pairing) The other device sent something that cannot be part of a sync, or this
 * device could not read its own data. Check the store with store.check, update both devices, and
 * start the sync again. */

/* generated:end */

#ifdef __cplusplus
}
#endif

#endif /* STATUS1TO1_H */
