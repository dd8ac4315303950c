//! Messages of SOCKS 5 on a stream or socket.

use std::{io, time::Duration};

use tokio::io::{AsyncRead, AsyncReadExt};

use crate::wire::socks::{Decoded, Malformed};

/// Time limit of greeting and request.
pub(super) const HANDSHAKE: Duration = Duration::from_secs(10);

/// Reads one message, and no byte beyond it. Returns its bytes too. Not cancel-safe.
pub(super) async fn receive<T>(
    from: &mut (impl AsyncRead + Unpin),
    decode: impl Fn(&[u8]) -> Result<Decoded<T>, Malformed>,
) -> io::Result<(T, Vec<u8>)> {
    let mut bytes = Vec::new();
    loop {
        match decode(&bytes).map_err(invalid)? {
            Decoded::Done(message) => return Ok((message, bytes)),
            Decoded::Need(count) => {
                let start = bytes.len();
                bytes.resize(start + count, 0);
                from.read_exact(&mut bytes[start..]).await?;
            }
        }
    }
}

fn invalid(malformed: Malformed) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, malformed)
}

/// Limits the time of a part of an exchange.
///
/// # Errors
///
/// `TimedOut` in addition to its own.
pub(super) async fn within<T>(limit: Duration, part: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    tokio::time::timeout(limit, part).await?
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncWriteExt, duplex},
        time::Instant,
    };

    use super::*;
    use crate::wire::socks;

    #[tokio::test]
    async fn a_message_is_read_byte_by_byte_and_no_byte_beyond_it() {
        let (mut client, mut server) = duplex(1);
        let sending = async {
            for byte in [5, 2, 0, 9, b'x'] {
                client.write_u8(byte).await.expect("write");
            }
        };
        let (greeting, ()) = tokio::join!(receive(&mut server, socks::greeting), sending);
        assert_eq!(greeting.expect("greeting"), (true, vec![5, 2, 0, 9]));
        assert_eq!(server.read_u8().await.expect("payload"), b'x');
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_sends_slowly_or_half_a_message_is_dropped() {
        let (mut client, mut server) = duplex(64);
        client.write_all(&[5, 9]).await.expect("write");
        let started = Instant::now();
        let error = within(HANDSHAKE, receive(&mut server, socks::greeting)).await.expect_err("timeout");
        assert_eq!((error.kind(), started.elapsed()), (io::ErrorKind::TimedOut, HANDSHAKE));
        drop(client);
        let error = receive(&mut server, socks::greeting).await.expect_err("EOF");
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }
}
