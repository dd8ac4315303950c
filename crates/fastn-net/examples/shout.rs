//! Two processes: one prints its ticket and answers in upper case, the other sends it a text.
//!
//! ```text
//! cargo run -p fastn-net --example shout
//! cargo run -p fastn-net --example shout -- TICKET "hello, peer"
//! ```

use std::{env, io, time::Duration};

use fastn_net::{Config, Endpoint, IncomingStream, Network, OpenOptions, PeerAddress, Protocol, SecretKey};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Both processes run on this machine. `Network::Internet` reaches peers anywhere.
const NETWORK: Network = Network::Loopback;

/// How long a closing endpoint waits until its peers have received what it finished.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

#[tokio::main]
async fn main() -> io::Result<()> {
    let mut arguments = env::args().skip(1);
    match (arguments.next(), arguments.next()) {
        (None, _) => receive().await,
        (Some(ticket), text) => send(&ticket, &text.unwrap_or_else(|| "hello".to_owned())).await,
    }
}

/// Serves one stream.
async fn receive() -> io::Result<()> {
    let endpoint = Endpoint::bind(SecretKey::generate(), Config::new(NETWORK)).await?;
    let listener = endpoint.listen(None, &[shout()?], false)?;
    println!("{}", endpoint.ticket(Duration::from_secs(5)).await);

    let IncomingStream { mut stream, .. } = listener.accept().await?;
    let mut text = String::new();
    stream.read_to_string(&mut text).await?;
    stream.write_all(text.to_uppercase().as_bytes()).await?;
    stream.shutdown().await?;
    endpoint.close(CLOSE_TIMEOUT).await;
    Ok(())
}

/// Sends `text` and prints the response.
async fn send(ticket: &str, text: &str) -> io::Result<()> {
    let endpoint = Endpoint::bind(SecretKey::generate(), Config::new(NETWORK)).await?;
    let peer = endpoint.peer(&PeerAddress::from_ticket(ticket)?)?;

    let mut stream = endpoint.open(&peer, &shout()?, None, OpenOptions::default()).await?;
    stream.write_all(text.as_bytes()).await?;
    stream.shutdown().await?;
    let mut response = String::new();
    stream.read_to_string(&mut response).await?;
    println!("{response}");
    endpoint.close(CLOSE_TIMEOUT).await;
    Ok(())
}

/// The protocol that both sides name.
fn shout() -> io::Result<Protocol> {
    Ok(Protocol::from_json(br#"{"Generic":"Shout"}"#)?)
}
