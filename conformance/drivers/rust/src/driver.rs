//! The driver of the Rust binding for conformance/run.py: a command a line on stdin, an answer a line
//! on stdout (conformance/README.md, "A driver").
//!
//! The results of many methods, and all events, are read into the types of the crate and written
//! again, so that what these lose is found.

use std::collections::HashMap;
use std::io::Write;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use status1to1::{self as s1, Client, Result};

static CLIENTS: LazyLock<Mutex<HashMap<u64, Arc<Client>>>> = LazyLock::new(Mutex::default);

fn say(line: &Value) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}");
    let _ = out.flush();
}

/// The answer as the C function gives it.
fn envelope(result: Result<Value>) -> Value {
    match result {
        Ok(result) => json!({"ok": true, "result": result}),
        Err(error) => json!({"ok": false, "error": error}),
    }
}

/// Opens a client; the commands name it by a number of ours.
fn open(config: &Value) -> Result<Value> {
    let config: s1::Config = serde_json::from_value(config.clone()).expect("a configuration");
    let client = Client::open(config)?;
    let identity = json!(client.stored_identity());
    let mut clients = CLIENTS.lock().unwrap();
    let number = clients.len() as u64 + 1;
    clients.insert(number, Arc::new(client));
    Ok(json!({"client": number, "identity": identity}))
}

/// Calls a method by its name, and reads its result as the type that it has in the table.
macro_rules! typed {
    ($client:expr, $method:expr, $params:expr, $($($name:literal)|+ => $type:ty,)*) => {
        match $method {
            $($($name)|+ => $client.call::<$type>($method, $params).map(|result| json!(result)),)*
            _ => $client.call::<Value>($method, $params),
        }
    };
}

fn call(client: &Client, method: &str, params: &Value) -> Result<Value> {
    typed! { client, method, params,
        "attachments.read" => s1::ReadAttachmentResult,
        "chats.archive" | "chats.draft" | "chats.get" | "chats.mark_read" | "chats.mute" | "chats.timer" => s1::Chat,
        "chats.list" => s1::ChatsPage,
        "contacts.accept" | "contacts.add" | "contacts.block" | "contacts.get" | "contacts.unblock" | "contacts.verify" => s1::Contact,
        "contacts.list" => s1::ContactsPage,
        "contacts.safety_number" => s1::SafetyNumber,
        "identity.create" => s1::CreateIdentityResult,
        "identity.get" | "identity.restore" => s1::IdentityInfo,
        "identity.phrase" => s1::PhraseResult,
        "contacts.request" | "messages.delete" | "messages.edit" | "messages.get" | "messages.pin" | "messages.react" | "messages.send" => s1::Message,
        "messages.list" => s1::MessagesPage,
        "messages.search" => s1::SearchPage,
        "messages.send_batch" => s1::SendBatchResult,
        "network.status" | "network.wait" => s1::NetworkStatus,
        "pictures.identicon" => s1::Picture,
        "presence.get" => s1::PresenceResult,
        "store.check" => s1::StoreCheck,
        "store.info" => s1::StoreInfo,
    }
}

fn set_callback(client: &Client, number: u64, on: bool) -> Result<Value> {
    if on {
        client
            .on_event(move |event| say(&json!({"callback": number, "event": envelope(Ok(json!(event)))})))?;
    } else {
        client.remove_on_event()?;
    }
    Ok(Value::Null)
}

fn next_event(client: &Client, timeout_ms: i64) -> Result<Value> {
    let timeout = u64::try_from(timeout_ms).ok().map(Duration::from_millis);
    Ok(json!(client.next_event(timeout)?))
}

fn event_ready(client: &Client, timeout_ms: i64) -> Value {
    let fd = client.event_fd().unwrap_or(-1);
    let mut wait = libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
    // SAFETY: one pollfd is passed, which lives until poll returns.
    json!(unsafe { libc::poll(&mut wait, 1, timeout_ms as i32) } == 1)
}

fn perform(command: &Value) -> Value {
    let number = command["client"].as_u64().unwrap_or(0);
    let timeout_ms = command["timeout_ms"].as_i64().unwrap_or(0);
    let client = || CLIENTS.lock().unwrap()[&number].clone();
    match command["op"].as_str().expect("an op") {
        "hello" => {
            json!({"protocol": 1, "binding": "Rust", "capabilities": ["threads", "callback", "event_fd", "after_close", "pull"]})
        }
        "info" => envelope(s1::info().map(|info| json!(info))),
        "schema" => envelope(s1::schema()),
        "open" => envelope(open(&command["config"])),
        "call" => {
            let none = json!({});
            let params = command.get("params").filter(|params| !params.is_null()).unwrap_or(&none);
            envelope(call(&client(), command["method"].as_str().expect("a method"), params))
        }
        "next_event" => envelope(next_event(&client(), timeout_ms)),
        "set_callback" => envelope(set_callback(&client(), number, command["on"] == true)),
        "event_ready" => event_ready(&client(), timeout_ms),
        "close" => envelope(client().close().map(|()| Value::Null)),
        other => panic!("there is no op {other}"),
    }
}

/// Answers a command. A panic is a fault of the binding to report.
fn run(command: &Value) {
    match std::panic::catch_unwind(|| perform(command)) {
        Ok(answer) => say(&json!({"id": command["id"], "answer": answer})),
        Err(_) => say(&json!({"id": command["id"], "failed": "it panicked; see stderr"})),
    }
}

fn main() {
    for line in std::io::stdin().lines() {
        let command: Value = serde_json::from_str(&line.expect("a line")).expect("JSON");
        if command["thread"] == true {
            std::thread::spawn(move || run(&command));
        } else {
            run(&command);
        }
    }
    std::process::exit(0); // the clients stay open: a program may just end
}
