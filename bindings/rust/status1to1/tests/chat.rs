//! examples/chat.rs and examples/c/chat talk, each in a process of its own with a node on 127.0.0.1.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

/// For anything to happen, on a slow machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A chat program, driven over its stdin and stdout.
struct Person {
    program: Child,
    types: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Person {
    fn start(program: impl AsRef<OsStr>, arguments: &[&str], directory: &Path) -> Person {
        let mut program = Command::new(program)
            .args(arguments)
            .current_dir(directory)
            .env("STATUS1TO1_PASSPHRASE", "the passphrase of a test")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let shown = BufReader::new(program.stdout.take().unwrap());
        let (tell, lines) = mpsc::channel();
        thread::spawn(move || shown.lines().map_while(Result::ok).try_for_each(|line| tell.send(line)));
        Person { types: program.stdin.take(), program, lines }
    }

    fn types(&mut self, line: &str) {
        writeln!(self.types.as_ref().unwrap(), "{line}").unwrap();
    }

    /// What follows `start` in the next line that begins with it.
    fn shows(&self, start: &str) -> String {
        let mut others = Vec::new();
        loop {
            let line = self.lines.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|_| panic!("nothing begins with {start:?} in {others:#?}"));
            if let Some(rest) = line.strip_prefix(start) {
                return rest.to_owned();
            }
            others.push(line);
        }
    }

    /// Ends the program as the end of its input does.
    fn ends(mut self) {
        drop(self.types.take());
        assert!(self.program.wait().unwrap().success());
    }
}

impl Drop for Person {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

/// The Rust program, which cargo has put beside this one.
fn example() -> PathBuf {
    std::env::current_exe().unwrap().parent().unwrap().parent().unwrap().join("examples/chat")
}

/// A directory that is removed at the end.
struct Directory(PathBuf);

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
#[ignore = "needs the C program, in STATUS1TO1_CHAT: tests/rust.sh runs it"]
fn rust_and_c_chat() {
    let removed = Directory(std::env::temp_dir().join(format!("status1to1-chat-{}", std::process::id())));
    let directory = &removed.0;
    for name in ["", "c"] {
        std::fs::create_dir(directory.join(name)).unwrap();
    }
    let c = std::env::var("STATUS1TO1_CHAT").unwrap();
    let listen = format!("/ip4/127.0.0.1/tcp/{}", free_port());
    let mut alice =
        Person::start(c, &["--plain", "--data", "c", "--name", "Alice", "--listen", &listen], directory);
    let (key, address) = (alice.shows("me\t"), alice.shows("address\t"));

    let arguments = ["bob.db", "--peer", &address, "--to", &key];
    let mut bob = Person::start(example(), &arguments, directory);
    assert_eq!(bob.shows("Write down your seed phrase: ").split(' ').count(), 12);
    let bobs = bob.shows("You are ");
    bob.types("Hello from Rust 🦀");
    assert!(alice.shows("message\tin\t").contains("Hello from Rust"));
    bob.shows("(delivered)");
    alice.types(&format!("/to {bobs}"));
    alice.types("Hello from C");
    bob.shows("Alice: \"Hello from C\"");
    bob.ends();

    // He comes back from his file and answers whoever writes. He may hear the last message once more.
    let mut bob = Person::start(example(), &arguments[..3], directory);
    assert_eq!(bob.shows("You are "), bobs);
    alice.types("Are you still there?");
    bob.shows("Alice: \"Are you still there?\"");
    bob.types("Still here");
    assert!(alice.shows("message\tin\t").contains("Still here"));
    bob.ends();
    alice.types("/quit");
    alice.ends();
}
