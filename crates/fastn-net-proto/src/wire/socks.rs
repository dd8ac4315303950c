//! SOCKS version 5 (RFC 1928): CONNECT without authentication.
//!
//! Each decoder takes the received part of a message. It returns the minimum number of bytes that are still missing, so that the caller
//! never reads beyond the message.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

const VERSION: u8 = 5;
const NO_AUTHENTICATION: u8 = 0;
const CONNECT: u8 = 1;

/// The longest message: a request with a name.
pub const MAX_MESSAGE: usize = 4 + 1 + 255 + 2;

/// First message of a client. Its only method is no authentication.
pub const GREETING: [u8; 3] = [VERSION, 1, NO_AUTHENTICATION];
/// The server's answer to a greeting: no authentication.
pub const ACCEPTED: [u8; 2] = [VERSION, NO_AUTHENTICATION];
/// The server's answer to a greeting: none of the client's methods is supported.
pub const NOT_ACCEPTED: [u8; 2] = [VERSION, 0xff];

/// A decoded message, or the number of missing bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decoded<T> {
    /// At least this number of further bytes belongs to the message.
    Need(usize),
    /// The message is complete.
    Done(T),
}

/// The bytes are not SOCKS 5.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed(&'static str);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not SOCKS 5: {}", self.0)
    }
}

impl std::error::Error for Malformed {}

/// The code of a server's reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Reply {
    /// Connected.
    Succeeded = 0,
    /// Any other failure.
    GeneralFailure = 1,
    /// The rules do not allow the destination.
    NotAllowed = 2,
    /// Network unreachable.
    NetworkUnreachable = 3,
    /// Host unreachable, or not found.
    HostUnreachable = 4,
    /// The destination refuses connections.
    ConnectionRefused = 5,
    /// A command other than CONNECT.
    CommandNotSupported = 7,
    /// An unknown type of address.
    AddressTypeNotSupported = 8,
}

impl Reply {
    /// The reply's bytes. The bound address, which would reveal the server's network, is all zeros.
    #[must_use]
    pub fn encode(self) -> [u8; 10] {
        [VERSION, self as u8, 0, 1, 0, 0, 0, 0, 0, 0]
    }
}

/// A host of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// An IP address.
    Ip(IpAddr),
    /// A name, as the client sent it.
    Name(Vec<u8>),
}

/// Request of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// CONNECT to a host and port.
    Connect(Address, u16),
    /// A request to refuse with this reply.
    Unsupported(Reply),
}

/// A request to connect. Sends at most 255 bytes of a name; DNS has no longer ones.
#[must_use]
pub fn connect(address: &Address, port: u16) -> Vec<u8> {
    let mut bytes = vec![VERSION, CONNECT, 0];
    match address {
        Address::Ip(IpAddr::V4(ip)) => {
            bytes.push(1);
            bytes.extend(ip.octets());
        }
        Address::Ip(IpAddr::V6(ip)) => {
            bytes.push(4);
            bytes.extend(ip.octets());
        }
        Address::Name(name) => {
            let length = u8::try_from(name.len()).unwrap_or(u8::MAX);
            bytes.extend([3, length]);
            bytes.extend(&name[..usize::from(length)]);
        }
    }
    bytes.extend(port.to_be_bytes());
    bytes
}

/// Decodes a client's greeting: whether it can do without authentication.
///
/// # Errors
///
/// [`Malformed`], as soon as the first byte shows it.
pub fn greeting(bytes: &[u8]) -> Result<Decoded<bool>, Malformed> {
    check_version(bytes)?;
    let Some(count) = bytes.get(1).copied().map(usize::from) else { return Ok(Decoded::Need(2 - bytes.len())) };
    if count == 0 {
        return Err(Malformed("a greeting without methods"));
    }
    Ok(whole(bytes, 2 + count).map(|message| message[2..].contains(&NO_AUTHENTICATION)))
}

/// Decodes a client's request.
///
/// # Errors
///
/// [`Malformed`].
pub fn request(bytes: &[u8]) -> Result<Decoded<Request>, Malformed> {
    check_version(bytes)?;
    let Some(&[_, command, reserved, kind]) = bytes.get(..4) else { return Ok(Decoded::Need(4 - bytes.len())) };
    if reserved != 0 {
        return Err(Malformed("a reserved byte is not zero"));
    }
    let decoded = match address(&bytes[4..], kind)? {
        None => Decoded::Done(Request::Unsupported(Reply::AddressTypeNotSupported)),
        Some(found) => found.map(|(address, port)| match (command, port) {
            (CONNECT, 1..) => Request::Connect(address, port),
            (CONNECT, 0) => Request::Unsupported(Reply::NotAllowed),
            _ => Request::Unsupported(Reply::CommandNotSupported),
        }),
    };
    Ok(decoded)
}

/// Decodes a server's answer to [`GREETING`].
///
/// # Errors
///
/// [`Malformed`], also if the server wants another method.
pub fn method(bytes: &[u8]) -> Result<Decoded<()>, Malformed> {
    check_version(bytes)?;
    match bytes {
        [_, NO_AUTHENTICATION, ..] => Ok(Decoded::Done(())),
        [_, _, ..] => Err(Malformed("the server wants authentication")),
        _ => Ok(Decoded::Need(2 - bytes.len())),
    }
}

/// Decodes a server's reply: its code, which is one of [`Reply`] or unknown.
///
/// # Errors
///
/// [`Malformed`].
pub fn reply(bytes: &[u8]) -> Result<Decoded<u8>, Malformed> {
    check_version(bytes)?;
    let Some(&[_, code, _, kind]) = bytes.get(..4) else { return Ok(Decoded::Need(4 - bytes.len())) };
    let found = address(&bytes[4..], kind)?.ok_or(Malformed("an unknown type of address"))?;
    Ok(found.map(|_| code))
}

impl<T> Decoded<T> {
    fn map<U>(self, f: impl FnOnce(T) -> U) -> Decoded<U> {
        match self {
            Self::Need(count) => Decoded::Need(count),
            Self::Done(value) => Decoded::Done(f(value)),
        }
    }
}

fn check_version(bytes: &[u8]) -> Result<(), Malformed> {
    if bytes.first().is_some_and(|version| *version != VERSION) { Err(Malformed("another version")) } else { Ok(()) }
}

/// The first `length` bytes, once they have arrived.
fn whole(bytes: &[u8], length: usize) -> Decoded<&[u8]> {
    bytes.get(..length).map_or_else(|| Decoded::Need(length - bytes.len()), Decoded::Done)
}

/// An address and a port. `None` for an unknown type of address, whose length is unknown too.
fn address(bytes: &[u8], kind: u8) -> Result<Option<Decoded<(Address, u16)>>, Malformed> {
    Ok(Some(match (kind, bytes.first()) {
        (1, _) => ip::<4, Ipv4Addr>(bytes),
        (4, _) => ip::<16, Ipv6Addr>(bytes),
        (3, Some(0)) => return Err(Malformed("an empty name")),
        (3, Some(&length)) => whole(bytes, 1 + usize::from(length) + 2).map(|bytes| {
            let (name, port) = bytes[1..].split_at(usize::from(length));
            (Address::Name(name.to_vec()), u16::from_be_bytes([port[0], port[1]]))
        }),
        // The length, the shortest name and the port.
        (3, None) => Decoded::Need(4),
        _ => return Ok(None),
    }))
}

fn ip<const LENGTH: usize, T>(bytes: &[u8]) -> Decoded<(Address, u16)>
where
    T: From<[u8; LENGTH]> + Into<IpAddr>,
{
    match bytes.split_first_chunk::<LENGTH>() {
        Some((octets, &[high, low, ..])) => {
            Decoded::Done((Address::Ip(T::from(*octets).into()), u16::from_be_bytes([high, low])))
        }
        _ => Decoded::Need(LENGTH + 2 - bytes.len()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection, prelude::*};

    use super::*;

    /// Feeds a decoder byte counts that it asks for. Returns the message and its length.
    fn fed<T: fmt::Debug>(
        decode: impl Fn(&[u8]) -> Result<Decoded<T>, Malformed>,
        bytes: &[u8],
    ) -> Result<Option<(T, usize)>, Malformed> {
        let mut length = 0;
        loop {
            match decode(&bytes[..length])? {
                Decoded::Done(message) => return Ok(Some((message, length))),
                Decoded::Need(0) => panic!("asks for nothing"),
                Decoded::Need(more) => length += more,
            }
            if length > bytes.len() {
                return Ok(None);
            }
        }
    }

    #[test]
    fn a_greeting_names_its_methods() {
        assert_eq!(fed(greeting, &GREETING), Ok(Some((true, 3))));
        assert_eq!(fed(greeting, &[5, 3, 1, 2, 0, 9]), Ok(Some((true, 5))));
        assert_eq!(fed(greeting, &[5, 2, 1, 2, 0]), Ok(Some((false, 4))));
        assert_eq!(fed(greeting, &[5, 4, 0, 0]), Ok(None));
        for bytes in [&[5, 0][..], b"GET / HTTP/1.1\r\n", &[4, 1, 0, 80, 1, 2, 3, 4, 0]] {
            assert!(fed(greeting, bytes).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn a_request_has_an_address_of_one_of_three_types() {
        let ip = |text: &str| Address::Ip(text.parse().expect(text));
        let v6 = [[5, 1, 0, 4].as_slice(), &[0; 15], &[1, 0, 80]].concat();
        for (bytes, address, port) in [
            (&[5, 1, 0, 1, 127, 0, 0, 1, 0x1f, 0x90][..], ip("127.0.0.1"), 8080),
            (&v6, ip("::1"), 80),
            (&[5, 1, 0, 3, 2, b'a', b'b', 1, 187], Address::Name(b"ab".to_vec()), 443),
        ] {
            let behind = [bytes, b"payload"].concat();
            assert_eq!(connect(&address, port), bytes);
            assert_eq!(fed(request, &behind), Ok(Some((Request::Connect(address, port), bytes.len()))));
        }
    }

    #[test]
    fn other_requests_have_a_reply() {
        for (bytes, expected) in [
            (&[5, 2, 0, 1, 1, 2, 3, 4, 0, 80][..], Reply::CommandNotSupported),
            (&[5, 3, 0, 1, 0, 0, 0, 0, 0, 0], Reply::CommandNotSupported),
            (&[5, 1, 0, 2], Reply::AddressTypeNotSupported),
            (&[5, 1, 0, 1, 1, 2, 3, 4, 0, 0], Reply::NotAllowed),
        ] {
            assert_eq!(fed(request, bytes), Ok(Some((Request::Unsupported(expected), bytes.len()))));
        }
        for bytes in [&[4, 1, 0, 80][..], &[5, 1, 1, 1], &[5, 1, 0, 3, 0, 0, 80, 0]] {
            assert!(fed(request, bytes).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn replies_round_trip() {
        assert_eq!(fed(method, &ACCEPTED), Ok(Some(((), 2))));
        assert!(fed(method, &NOT_ACCEPTED).is_err());
        assert_eq!(fed(reply, &Reply::Succeeded.encode()), Ok(Some((0, 10))));
        assert_eq!(fed(reply, &Reply::HostUnreachable.encode()), Ok(Some((4, 10))));
        assert_eq!(fed(reply, &[5, 0, 0, 3, 1, b'x', 0, 1, 9]), Ok(Some((0, 8))));
    }

    proptest! {
        #[test]
        fn no_bytes_panic_a_decoder(bytes in collection::vec(prop_oneof![0_u8..6, any::<u8>()], 0..300)) {
            let bytes = [&[VERSION], bytes.as_slice()].concat();
            let lengths = [
                fed(greeting, &bytes).map(|message| message.map(|(_, length)| length)),
                fed(request, &bytes).map(|message| message.map(|(_, length)| length)),
                fed(method, &bytes).map(|message| message.map(|((), length)| length)),
                fed(reply, &bytes).map(|message| message.map(|(_, length)| length)),
            ];
            for length in lengths.into_iter().flatten().flatten() {
                prop_assert!(length <= MAX_MESSAGE);
            }
        }
    }
}
