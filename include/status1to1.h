/* libstatus1to1 - private one-to-one chat with the people of Status, over Waku.
 *
 * This header is the manual. A program that chats looks like this:
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
 * examples/c/chat.c is such a program, complete.
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
 *   "catch_up_changed", "store_node_changed", "message_progress",
 *   "backup_progress", "log", "internal_error" and "closed" are not stored: their seq is 0, and they cannot be
 *   acknowledged. Of unread "network_changed" events only the latest is kept, and of
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

/* The version of the ABI this header describes. It changes only when a function below
 * changes or goes away, not with new methods and fields. It counts from 1. A program
 * that loads the library with dlopen compares it with status1to1_abi_version(). The
 * soname has the same number: the dynamic linker gives a program that was linked
 * against libstatus1to1.so.1 no library of another ABI. The library's own version,
 * such as 0.1.0, tells which methods and fields there are. */
#define STATUS1TO1_ABI_VERSION 1u

/* A handle of an open client. */
typedef uint64_t status1to1_client;

/* An event callback. event_json is what status1to1_next_event would have returned;
 * it is valid only during the call. */
typedef void (*status1to1_event_fn)(status1to1_client client, const char *event_json, void *user_data);

/* The ABI version of the loaded library. Compare it with STATUS1TO1_ABI_VERSION
 * when you load the library at run time. */
STATUS1TO1_API uint32_t status1to1_abi_version(void);

/* The version, the build and the implemented specifications. "strings_held" is the
 * number of strings you have not freed yet, which helps to find leaks. */
STATUS1TO1_API char *status1to1_info(void);

/* The schema: an OpenRPC document of all methods, events and error codes.
 * docs/c-api.md has the same content. */
STATUS1TO1_API char *status1to1_schema(void);

/* Opens a client with the configuration config_json (docs/c-api.md, "Configuration")
 * and puts its handle into *out, or 0 if it fails. The network starts, and messages
 * that wait in the store are sent. The result has the handle and the identity in the
 * store. If the identity is null, there is none yet: call identity.create,
 * identity.restore or identity.import. Neither argument may be NULL. */
STATUS1TO1_API char *status1to1_open(const char *config_json, status1to1_client *out);

/* Calls a method by name: "messages.send". NULL, "" and "{}" mean no parameters.
 * The wrappers at the end of this header call it for you. */
STATUS1TO1_API char *status1to1_call(status1to1_client client, const char *method, const char *params_json);

/* Waits for the next event, at most timeout_ms milliseconds: 0 returns at once, and
 * a negative number waits forever. The result is null if no event came in that time.
 * If the client is closed during the wait, one waiting thread receives the "closed"
 * event and the others the error "closed". Events that were unread when the client
 * was closed, "closed" being the last, can still be read afterwards; the library
 * keeps them for the last 64 closed clients. */
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

/* One function per method. params_json may be NULL if no parameter is required.
 * docs/c-api.md describes parameters, results and errors. */
/* generated:begin - by internal/genapi; do not edit */

/* identity.create: Creates an identity from a new seed phrase. */
static inline char *status1to1_identity_create(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "identity.create", params_json);
}

/* identity.restore: Restores an identity from its seed phrase. */
static inline char *status1to1_identity_restore(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "identity.restore", params_json);
}

/* identity.import: Imports an identity by its private chat key. */
static inline char *status1to1_identity_import(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "identity.import", params_json);
}

/* identity.get: Returns the identity of this client. */
static inline char *status1to1_identity_get(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "identity.get", params_json);
}

/* identity.set_display_name: Changes our display name. */
static inline char *status1to1_identity_set_display_name(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "identity.set_display_name", params_json);
}

/* identity.phrase: Returns the seed phrase, given the passphrase or key of the store. */
static inline char *status1to1_identity_phrase(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "identity.phrase", params_json);
}

/* identity.delete: Destroys the identity and everything stored: the keys are erased,
 * and the file and any copies a migration has left beside it are overwritten and
 * removed. The client is then closed. */
static inline char *status1to1_identity_delete(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "identity.delete", params_json);
}

/* profile.get: Returns our profile and the Status link to it. */
static inline char *status1to1_profile_get(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "profile.get", params_json);
}

/* profile.set: Changes our profile. */
static inline char *status1to1_profile_set(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "profile.set", params_json);
}

/* presence.get: Returns how we are to be seen, as it is published. */
static inline char *status1to1_presence_get(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "presence.get", params_json);
}

/* presence.set: Publishes how we are to be seen, until it is set to off, also after a
 * restart. Nothing is published unless this is called. Everybody who knows our key can
 * read it, and see when this client is online. What was published before stays with
 * those who read it: contacts go on to see its online_until. What contacts publish is
 * in contacts.get and reported by presence_changed events. */
static inline char *status1to1_presence_set(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "presence.set", params_json);
}

/* contacts.add: Adds a person to the address book or changes their name there. Nothing
 * is sent to them: to ask somebody to be a contact, use contacts.request. */
static inline char *status1to1_contacts_add(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "contacts.add", params_json);
}

/* contacts.get: Returns what is known about one person. */
static inline char *status1to1_contacts_get(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "contacts.get", params_json);
}

/* contacts.list: Lists everybody known, including people who only wrote to us. */
static inline char *status1to1_contacts_list(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "contacts.list", params_json);
}

/* contacts.set_key_exchange: Chooses what protects our messages to a person: X3DH
 * (53/WAKU2-X3DH), which the Status app knows, or Noise (35/WAKU2-NOISE). With Noise,
 * messages wait until their device has answered a handshake; a message that waits shows
 * waiting = "waiting_for_peer". What they send is read by either. A finished handshake
 * of theirs changes x3dh to noise unless something was chosen here; nothing else
 * changes it, and each change is a key_exchange_changed event. */
static inline char *status1to1_contacts_set_key_exchange(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "contacts.set_key_exchange", params_json);
}

/* contacts.remove: Removes a person from the address book, withdraws our contact
 * request or acceptance, and tells them so. The chat is kept, and the person stays
 * known with added = false. */
static inline char *status1to1_contacts_remove(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "contacts.remove", params_json);
}

/* identity.card: Makes a contact card of this device, for a QR code or as a link. It
 * proves whose it is, and whoever adds it can write to us at once: nothing has to be
 * fetched first. Each call makes another card, with a secret of its own. Whoever sees a
 * card can use it until it expires. */
static inline char *status1to1_identity_card(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "identity.card", params_json);
}

/* contacts.add_card: Adds a person by their contact card to the address book, marks
 * them verified, and learns the keys for the first message. Nothing is sent or fetched.
 * A card can be added once. */
static inline char *status1to1_contacts_add_card(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "contacts.add_card", params_json);
}

/* contacts.request: Asks a person to be a contact. Until they accept, the Status app
 * does not show them our other messages. */
static inline char *status1to1_contacts_request(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "contacts.request", params_json);
}

/* contacts.accept: Accepts a person's contact request. */
static inline char *status1to1_contacts_accept(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "contacts.accept", params_json);
}

/* contacts.decline: Declines a person's contact request. They are not told. */
static inline char *status1to1_contacts_decline(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "contacts.decline", params_json);
}

/* contacts.retract: Withdraws our contact request or acceptance. The person is told and
 * stays in the address book. */
static inline char *status1to1_contacts_retract(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "contacts.retract", params_json);
}

/* contacts.block: Blocks a person: everything they send is ignored. They are not told. */
static inline char *status1to1_contacts_block(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "contacts.block", params_json);
}

/* contacts.unblock: Unblocks a person. They are a stranger again. */
static inline char *status1to1_contacts_unblock(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "contacts.unblock", params_json);
}

/* contacts.safety_number: Returns the safety number, which two people compare to verify
 * each other's key, and the Status link to the other person. */
static inline char *status1to1_contacts_safety_number(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "contacts.safety_number", params_json);
}

/* contacts.verify: Marks a person as verified, if the safety number they see is the
 * same as ours. */
static inline char *status1to1_contacts_verify(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "contacts.verify", params_json);
}

/* contacts.unverify: Removes the mark that a person is verified. */
static inline char *status1to1_contacts_unverify(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "contacts.unverify", params_json);
}

/* contacts.ask: Asks a contact a question that only they can answer, to verify them. It
 * replaces our previous question to them. */
static inline char *status1to1_contacts_ask(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "contacts.ask", params_json);
}

/* contacts.answer: Answers a contact's question. */
static inline char *status1to1_contacts_answer(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "contacts.answer", params_json);
}

/* contacts.refuse_question: Tells a contact that we will not answer their question. */
static inline char *status1to1_contacts_refuse_question(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "contacts.refuse_question", params_json);
}

/* contacts.cancel_question: Withdraws our question to a contact. */
static inline char *status1to1_contacts_cancel_question(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "contacts.cancel_question", params_json);
}

/* contacts.confirm_answer: Tells whether a contact's answer was right. If it was, they
 * are marked as verified. They are not told. */
static inline char *status1to1_contacts_confirm_answer(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "contacts.confirm_answer", params_json);
}

/* contacts.verifications: Lists the latest question in each direction between a person
 * and us. */
static inline char *status1to1_contacts_verifications(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "contacts.verifications", params_json);
}

/* contacts.picture: Returns the profile picture a person has sent us. */
static inline char *status1to1_contacts_picture(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "contacts.picture", params_json);
}

/* chats.list: Lists the conversations, the one with the newest message first. With
 * requests set, it lists the chat requests instead: conversations with strangers,
 * people we have not added, accepted, asked to be a contact or written to. If
 * engine.strangers is "request", chat requests are listed only there; if it is "allow",
 * they are in both lists. One stranger can leave up to 100 messages and 64 KiB of
 * texts, pictures and recordings, and a contact request after that. Further messages
 * are refused without an acknowledgement, so that the sender repeats them and they
 * arrive once the stranger is accepted, added or written to. At most 1000 strangers are
 * kept. Archived chats are listed only with archived set, and stay archived when
 * something new comes. A chat that was deleted is listed again when something new
 * comes. */
static inline char *status1to1_chats_list(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "chats.list", params_json);
}

/* chats.get: Returns one conversation. It also has the draft of one that nobody wrote
 * in yet. */
static inline char *status1to1_chats_get(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "chats.get", params_json);
}

/* chats.mark_read: Marks messages of a conversation as read, and ends
 * chats.mark_unread. A message that comes later and was written before what is marked
 * is unread all the same, unless this identity has other devices: what one of them has
 * read counts as read on all. */
static inline char *status1to1_chats_mark_read(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "chats.mark_read", params_json);
}

/* chats.mark_unread: Marks a conversation as unread, to come back to it. It sets
 * marked_unread of the chat and changes no message. */
static inline char *status1to1_chats_mark_unread(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "chats.mark_unread", params_json);
}

/* chats.mute: Mutes a conversation, or ends that. Its messages and events come as
 * before: it is up to the program to be quiet about a chat whose muted is true. */
static inline char *status1to1_chats_mute(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "chats.mute", params_json);
}

/* chats.archive: Archives a conversation, or takes it out of the archive. */
static inline char *status1to1_chats_archive(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "chats.archive", params_json);
}

/* chats.draft: Keeps a text that is not sent yet with its conversation. Sending a
 * message does not change it. */
static inline char *status1to1_chats_draft(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "chats.draft", params_json);
}

/* chats.clear: Erases all messages of a conversation on the devices of this identity;
 * the other person keeps theirs. What is not delivered yet is no longer sent. The chat
 * is empty when the call returns. Its messages are erased from the store right after
 * that, also across restarts; clearing of the chat is the number of those left, and a
 * chat_changed event tells when many are erased. A message that was written before the
 * newest one and comes later does not appear. */
static inline char *status1to1_chats_clear(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "chats.clear", params_json);
}

/* chats.delete: Does what chats.clear does, drops the draft, and takes the conversation
 * off the list until something new comes. */
static inline char *status1to1_chats_delete(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "chats.delete", params_json);
}

/* chats.timer: Sets the timer of a conversation: new messages of both people are erased
 * so many seconds after they were written, read or not, on all devices that use this
 * library. The other person's program learns of it with the next message; the later of
 * two changes counts. Messages that are there already keep their time. The Status app
 * knows no timers and keeps what it has received. */
static inline char *status1to1_chats_timer(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "chats.timer", params_json);
}

/* messages.send: Queues a message: a text, one or several pictures, a recording or a
 * sticker. The call returns as soon as the message is stored; message_state events
 * report its progress. Until the message is acknowledged it is sent again, first after
 * 27 s, then each time after twice as long, and within seconds when the recipient comes
 * back online. Without an acknowledgement after 20 days 12 hours, it has failed as
 * "undeliverable". */
static inline char *status1to1_messages_send(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "messages.send", params_json);
}

/* messages.send_batch: Queues several messages without attachments with a single write
 * to the disk. A message that cannot be queued yields an error in its place and does
 * not affect the others. */
static inline char *status1to1_messages_send_batch(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "messages.send_batch", params_json);
}

/* messages.get: Returns one message. */
static inline char *status1to1_messages_get(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "messages.get", params_json);
}

/* messages.album: Returns the messages that show the pictures of one album, the given
 * one among them; a message that is in none is returned alone. */
static inline char *status1to1_messages_album(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "messages.album", params_json);
}

/* messages.retry: Sends a failed message again under the same message id and sets its
 * state to "queued". Messages that failed as "undeliverable" are also sent again
 * automatically when the recipient comes back online. */
static inline char *status1to1_messages_retry(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "messages.retry", params_json);
}

/* messages.cancel: Stops sending a message that is not delivered yet. This also applies
 * to a failed message that would be sent again automatically. */
static inline char *status1to1_messages_cancel(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "messages.cancel", params_json);
}

/* messages.list: Lists the messages of a conversation, newest first. */
static inline char *status1to1_messages_list(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "messages.list", params_json);
}

/* messages.edit: Replaces the text of a message of ours of kind "text", "emoji",
 * "status" or "image" for both people, and returns it. The pictures of an album have
 * one text, so all of them get it. Of several edits the latest counts. Editing a
 * message to the text it has changes nothing. */
static inline char *status1to1_messages_edit(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "messages.edit", params_json);
}

/* messages.delete: Deletes a message, and all others of its album by the same author,
 * and returns what is left of it: its times, and deleted. With for_everyone it must be
 * a message of ours and no contact request, and the other person is asked to delete it.
 * Without, a message of ours that is not delivered yet is still sent, and its text is
 * in the store until then. It cannot be undone. Deleting a message a second time
 * changes nothing. */
static inline char *status1to1_messages_delete(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "messages.delete", params_json);
}

/* messages.react: Adds an emoji to a message of the chat, or retracts it, and returns
 * the message. Each person may add several; a message has at most 20 different ones.
 * Status apps from before 2026 show six of them only. */
static inline char *status1to1_messages_react(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "messages.react", params_json);
}

/* messages.pin: Pins a message of the chat for both people, or unpins it, and returns
 * the message. Each may also unpin what the other has pinned. */
static inline char *status1to1_messages_pin(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "messages.pin", params_json);
}

/* messages.search: Finds messages by the words in them, and people by their names.
 * Deleted messages and earlier texts of edited ones are not found. */
static inline char *status1to1_messages_search(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "messages.search", params_json);
}

/* attachments.read: Returns a part of a picture or a recording. Its type is that of the
 * message's attachment; one whose state is "unchecked" is not what its sender says, or
 * too large to be decoded without care. */
static inline char *status1to1_attachments_read(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "attachments.read", params_json);
}

/* attachments.save: Writes a picture or a recording to a file that only its owner can
 * read. */
static inline char *status1to1_attachments_save(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "attachments.save", params_json);
}

/* attachments.preview: Decodes a picture and makes its thumbnail and blurhash, which
 * its message has from then on; message_changed reports it. Those of pictures that we
 * send are made when they are sent. Received ones are decoded by this call alone, one
 * at a time and with at most 256 MiB of memory. */
static inline char *status1to1_attachments_preview(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "attachments.preview", params_json);
}

/* sessions.list: Lists the sessions with one person or with everybody: ratchet sessions
 * (X3DH) and Noise sessions, with pending handshakes. */
static inline char *status1to1_sessions_list(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "sessions.list", params_json);
}

/* sessions.reset: Discards the ratchet sessions with one person and starts new ones.
 * Messages they have not acknowledged are sent again. */
static inline char *status1to1_sessions_reset(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "sessions.reset", params_json);
}

/* sessions.hand_over: Gives the Noise sessions with one person to another device of
 * ours, which can write in them at once, without a handshake. This device only reads in
 * them from then on. */
static inline char *status1to1_sessions_hand_over(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "sessions.hand_over", params_json);
}

/* devices.list: Lists the devices of our own identity, this one first. */
static inline char *status1to1_devices_list(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "devices.list", params_json);
}

/* devices.enable: Enables another device of our own identity: it receives copies of
 * what we send, and other people are told to write to it too. */
static inline char *status1to1_devices_enable(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "devices.enable", params_json);
}

/* devices.disable: Disables another device of our own identity: it receives no more
 * copies of what we send, and other people are told not to write to it. */
static inline char *status1to1_devices_disable(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "devices.disable", params_json);
}

/* devices.rename: Names a device of our own identity. The name is stored on this device
 * only. */
static inline char *status1to1_devices_rename(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "devices.rename", params_json);
}

/* devices.sync: Offers a paired device everything this one knows: the identity if it
 * has none, contacts with the trust in them, chats, history and settings. It is sent
 * once the user of that device has accepted, and both devices belong to the identity
 * from then on. sync events report the progress. */
static inline char *status1to1_devices_sync(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "devices.sync", params_json);
}

/* devices.sync_accept: Accepts what a paired device offers. If this device has no
 * identity, it receives that of the other device. What is here already is kept. */
static inline char *status1to1_devices_sync_accept(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "devices.sync_accept", params_json);
}

/* devices.sync_pause: Pauses a sync, on either device. What is already on its way still
 * arrives. */
static inline char *status1to1_devices_sync_pause(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "devices.sync_pause", params_json);
}

/* devices.sync_resume: Resumes a sync that was paused on this device. */
static inline char *status1to1_devices_sync_resume(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "devices.sync_resume", params_json);
}

/* devices.sync_cancel: Cancels a sync, on either device, and tells the other one. What
 * has been merged stays there. */
static inline char *status1to1_devices_sync_cancel(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "devices.sync_cancel", params_json);
}

/* devices.syncs: Lists the syncs with paired devices. */
static inline char *status1to1_devices_syncs(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "devices.syncs", params_json);
}

/* pairing.start: Creates an invitation for another device to scan. It is valid for half
 * a minute and is replaced by a new one for up to ten minutes. Pairing needs a
 * confirmation by the user on both devices. A device without an identity can be paired,
 * and receives that of the other device by devices.sync. */
static inline char *status1to1_pairing_start(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "pairing.start", params_json);
}

/* pairing.scan: Answers the invitation of another device. Both devices then receive an
 * authcode, in a pairing_authcode event, for the user to compare. */
static inline char *status1to1_pairing_scan(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "pairing.scan", params_json);
}

/* pairing.confirm: Tells whether both devices show the same authcode. If not, the
 * pairing fails on both. */
static inline char *status1to1_pairing_confirm(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "pairing.confirm", params_json);
}

/* pairing.cancel: Cancels a pairing that is under way. */
static inline char *status1to1_pairing_cancel(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "pairing.cancel", params_json);
}

/* pairing.list: Lists the pairings and paired devices, with their sessions. */
static inline char *status1to1_pairing_list(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "pairing.list", params_json);
}

/* pairing.get: Returns one pairing. */
static inline char *status1to1_pairing_get(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "pairing.get", params_json);
}

/* pairing.discard: Ends the pairing with a device and tells that device, or removes a
 * pairing that failed or ended from the list. Data received from the device is deleted. */
static inline char *status1to1_pairing_discard(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "pairing.discard", params_json);
}

/* pairing.send: Sends data to a paired device. The call returns as soon as the data is
 * stored; transfer events report the progress. Several transfers to one device take
 * turns. */
static inline char *status1to1_pairing_send(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "pairing.send", params_json);
}

/* transfers.list: Lists the transfers with a paired device. */
static inline char *status1to1_transfers_list(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "transfers.list", params_json);
}

/* transfers.read: Returns received data, once all of it has arrived and its hash is
 * verified. */
static inline char *status1to1_transfers_read(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "transfers.read", params_json);
}

/* transfers.cancel: Cancels a running transfer and tells the other device. */
static inline char *status1to1_transfers_cancel(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "transfers.cancel", params_json);
}

/* transfers.discard: Removes a finished transfer from the list and deletes the received
 * data. */
static inline char *status1to1_transfers_discard(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "transfers.discard", params_json);
}

/* pictures.qr: Draws a QR code. */
static inline char *status1to1_pictures_qr(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "pictures.qr", params_json);
}

/* pictures.read_qr: Reads the QR code in a picture, such as a photo. The code may be
 * rotated, tilted, mirrored and somewhat blurred. Of several codes, one is read. */
static inline char *status1to1_pictures_read_qr(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "pictures.read_qr", params_json);
}

/* pictures.identicon: Draws the picture by which the Status app lets people tell keys
 * apart. */
static inline char *status1to1_pictures_identicon(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "pictures.identicon", params_json);
}

/* network.status: Returns the state of the network, our own addresses and the peers. */
static inline char *status1to1_network_status(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "network.status", params_json);
}

/* network.connect: Adds a peer and stays connected to it. The call returns without
 * waiting for the connection; a peer_changed event reports it. */
static inline char *status1to1_network_connect(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "network.connect", params_json);
}

/* network.disconnect: Removes a peer and closes the connections to it. */
static inline char *status1to1_network_disconnect(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "network.disconnect", params_json);
}

/* network.catch_up: Asks the store nodes soon for what was missed. The call returns
 * without waiting; catch_up_changed events report it. It is done anyway at the start,
 * after every gap and in the background. Without store nodes nothing happens. */
static inline char *status1to1_network_catch_up(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "network.catch_up", params_json);
}

/* network.wait: Waits until messages can be published to enough peers. This call blocks
 * until its deadline, and signals do not interrupt it: a Python program reacts to
 * Ctrl-C only after the call has returned. Wait in steps of a second or less, or in
 * another thread. */
static inline char *status1to1_network_wait(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "network.wait", params_json);
}

/* network.doctor: Finds out why messages do not travel, and what can be done about it.
 * Each check has a result ("passed", "warning", "failed" or "skipped"), its cause and a
 * remedy. To see whether what is published can be read back from the store nodes, it
 * publishes a small envelope, at most once a minute; reading it back takes up to 10
 * seconds. This call blocks until its deadline at most. */
static inline char *status1to1_network_doctor(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "network.doctor", params_json);
}

/* network.deliver: Hands over envelopes that the program has received. When the call
 * returns without an error, everything that was to be kept of them is stored, and the
 * program may delete its copies; after an error it should deliver all of them again,
 * which does no harm. Only if network.kind is "external". */
static inline char *status1to1_network_deliver(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "network.deliver", params_json);
}

/* network.published: Reports that the envelope of an envelope_outgoing event is out, or
 * why it is not. Messages are sent once their envelope is out. An id that is not waited
 * for is ignored. Only if network.kind is "external". */
static inline char *status1to1_network_published(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "network.published", params_json);
}

/* network.online: Reports whether the program can publish envelopes. It is assumed that
 * it can. While it cannot, nothing is asked for, and messages wait. Only if
 * network.kind is "external". */
static inline char *status1to1_network_online(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "network.online", params_json);
}

/* network.topics: Returns the content topics whose envelopes the program is to deliver.
 * They change when people are added or written to: content_topics_changed reports it. A
 * program may as well deliver everything it receives. Only if network.kind is
 * "external". */
static inline char *status1to1_network_topics(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "network.topics", params_json);
}

/* events.ack: Acknowledges events: they are not delivered again after the next open. */
static inline char *status1to1_events_ack(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "events.ack", params_json);
}

/* store.info: Returns the kind and the size of the store. */
static inline char *status1to1_store_info(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "store.info", params_json);
}

/* store.check: Reads the whole store and reports damage. */
static inline char *status1to1_store_check(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "store.check", params_json);
}

/* store.suspend: Releases the store's file and lock, before a phone goes to sleep or a
 * backup is made. Until store.resume, calls that need the store fail with
 * store_suspended, and stored events are not delivered. */
static inline char *status1to1_store_suspend(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "store.suspend", params_json);
}

/* store.resume: Opens and locks the store's file again after store.suspend. If the file
 * was changed in the meantime, the call fails with store_corrupt: close the client and
 * open it again. */
static inline char *status1to1_store_resume(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "store.resume", params_json);
}

/* store.change_passphrase: Changes the passphrase of the store. When the call succeeds,
 * the old passphrase opens nothing in the file any more; earlier copies of the file
 * still open with it. If the call fails with details.changed, the new passphrase is
 * already the valid one, and the next open finishes the change. */
static inline char *status1to1_store_change_passphrase(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "store.change_passphrase", params_json);
}

/* store.export: Writes a backup: one encrypted file with the identity, people, chats
 * and history, and nothing that belongs to this device alone, given the passphrase or
 * key of the store. The store stays in use meanwhile. */
static inline char *status1to1_store_export(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "store.export", params_json);
}

/* store.import: Merges a backup into this store. A store without an identity becomes a
 * new device of the one in the backup; in one that has it, what is missing is added and
 * of what both have the newer stays. It can be called again, also after it was
 * interrupted. Messages that come with it have no events: read the chats again when the
 * call returns. */
static inline char *status1to1_store_import(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "store.import", params_json);
}

/* diagnostics.get: Returns counters and queue lengths for troubleshooting. */
static inline char *status1to1_diagnostics_get(status1to1_client client, const char *params_json)
{
    return status1to1_call(client, "diagnostics.get", params_json);
}

/* generated:end */

#ifdef __cplusplus
}
#endif

#endif /* STATUS1TO1_H */
