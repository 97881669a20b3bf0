//! A chat at the terminal, over Waku. Two people on one machine:
//!
//!     cargo run --example chat -- alice.db --listen /ip4/127.0.0.1/tcp/60001
//!     cargo run --example chat -- bob.db --peer ADDRESS-OF-ALICE --to CHAT-KEY-OF-ALICE
//!
//! The passphrase of the file is in STATUS1TO1_PASSPHRASE. Whoever writes is answered.

use std::error::Error;
use std::sync::Mutex;
use std::{env, io, thread};

use status1to1::{Client, Config, ErrorCode, Event, EventData, NetworkConfig, SendParams, StoreConfig};

fn main() -> Result<(), Box<dyn Error>> {
    let mut network = NetworkConfig::new().preset("local");
    let mut arguments = env::args().skip(1);
    let file = arguments.next().ok_or("usage: chat FILE [--listen ADDRESS] [--peer ADDRESS] [--to KEY]")?;
    let to = Mutex::new(None); // whom we write to
    while let (Some(option), Some(value)) = (arguments.next(), arguments.next()) {
        match option.as_str() {
            "--listen" => network = network.listen([value]),
            "--peer" => network = network.peers([value]),
            "--to" => *to.lock().unwrap() = Some(value),
            _ => return Err(format!("there is no option {option}").into()),
        }
    }
    let store = StoreConfig::new().path(file).passphrase(env::var("STATUS1TO1_PASSPHRASE")?);
    let client = Client::open(Config::new(store).network(network))?;
    if client.stored_identity().is_none() {
        let created = client.identity().create(())?;
        println!("Write down your seed phrase: {}", created.phrase.expose());
    }
    println!("You are {}", client.identity().get()?.chat_key);
    for address in client.network().status()?.listen_addresses {
        println!("Others reach you at {address}");
    }

    thread::scope(|scope| {
        scope.spawn(|| {
            for event in client.events() {
                match event.and_then(|event| show(&event, &to)) {
                    // A closed client takes no acknowledgement: the event comes again.
                    Err(error) if matches!(error.code(), ErrorCode::Closed | ErrorCode::BadClient) => {}
                    Err(error) => eprintln!("{error}"),
                    Ok(()) => {}
                }
            }
        });
        let said = io::stdin().lines().try_for_each(|line| say(&client, &to, line?));
        client.close()?; // it ends the events
        said
    })
}

/// Sends a line.
fn say(client: &Client, to: &Mutex<Option<String>>, line: String) -> Result<(), Box<dyn Error>> {
    match to.lock().unwrap().as_ref() {
        _ if line.trim().is_empty() => {}
        None => println!("Nobody has written yet: start with --to KEY"),
        Some(to) => drop(client.messages().send(SendParams::new(to).text(line))?),
    }
    Ok(())
}

/// Prints what an event says.
fn show(event: &Event, to: &Mutex<Option<String>>) -> status1to1::Result<()> {
    match &event.data {
        EventData::MessageReceived(received) => {
            let message = &received.message;
            to.lock().unwrap().get_or_insert_with(|| message.from.clone());
            println!("{}: {:?}", message.sender_name.as_deref().unwrap_or("they"), message.text);
        }
        EventData::MessageState(change) => println!("({})", change.state),
        _ => {}
    }
    event.ack()
}
