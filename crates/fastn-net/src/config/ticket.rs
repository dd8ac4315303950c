//! Parses tickets, and describes what is wrong with an invalid one.

use iroh_tickets::{ParseError, Ticket, endpoint::EndpointTicket};

use crate::error::{Code, Error, Result};

/// Characters of a ticket without any address: the kind, and base32 of a version, a key and a count.
const SHORTEST: usize = 63;

/// Decodes a ticket, without surrounding white space. The error never repeats the text, which may be a secret key pasted by mistake.
///
/// # Errors
///
/// `ERR_PEER_ADDRESS`.
pub(super) fn decode(text: &str) -> Result<EndpointTicket> {
    let text = text.trim();
    EndpointTicket::decode_string(text).map_err(|error| {
        let found = describe(text, &error);
        Error::new(Code::PeerAddress, format!("not a ticket: {found}; copy the whole ticket")).with_source(error)
    })
}

fn describe(text: &str, error: &ParseError) -> String {
    let count = text.chars().count();
    let Some(rest) = text.strip_prefix(EndpointTicket::KIND) else {
        let start = text.get(..EndpointTicket::KIND.len()).unwrap_or_default();
        return if start.eq_ignore_ascii_case(EndpointTicket::KIND) {
            "tickets are lower case".to_owned()
        } else {
            format!("a ticket starts with {:?}", EndpointTicket::KIND)
        };
    };
    // The rest is base32, in any case (RFC 4648, 6).
    let wrong = rest.chars().enumerate().find(|(_, character)| !matches!(character, 'a'..='z' | 'A'..='Z' | '2'..='7'));
    if let Some((at, character)) = wrong {
        let place = format!("character {} of {count}", EndpointTicket::KIND.len() + at + 1);
        let found = if character.is_whitespace() { "white space" } else { "not one of a to z, 2 to 7" };
        return format!("{place} is {found}");
    }
    match error {
        _ if count < SHORTEST => format!("it has {count} characters, and the shortest ticket has {SHORTEST}"),
        // The last character, or its spare bits, cannot end a ticket.
        ParseError::Encoding { .. }
        | ParseError::Postcard { source: postcard::Error::DeserializeUnexpectedEnd, .. } => {
            format!("it ends too early, after {count} characters")
        }
        _ => format!("at least one of its {count} characters is mistyped"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{config::PeerAddress, identity::SecretKey};

    fn ticket() -> String {
        let address = PeerAddress {
            id: SecretKey::from_bytes(&[7; 32]).expect("secret").public(),
            addresses: vec!["127.0.0.1:4000".parse().expect("address"), "[::1]:4000".parse().expect("address")],
            relays: vec!["https://relay.example/".parse().expect("relay")],
        };
        EndpointTicket::new(address.to_iroh()).encode_string()
    }

    fn message(text: &str) -> String {
        let error = PeerAddress::from_ticket(text).expect_err("a ticket");
        assert_eq!(error.code(), Code::PeerAddress);
        error.message().to_owned()
    }

    #[test]
    fn the_shortest_ticket_has_a_key_and_nothing_else() {
        let id = SecretKey::generate().public();
        let shortest = EndpointTicket::new(PeerAddress::new(id).to_iroh()).encode_string();
        assert_eq!(shortest.len(), SHORTEST);
        assert_eq!(PeerAddress::from_ticket(&format!(" {shortest}\n")).expect("ticket"), PeerAddress::new(id));
    }

    #[test]
    fn the_error_describes_the_fault_of_a_ticket() {
        let (ticket, count) = (ticket(), ticket().len());
        for (text, says) in [
            (ticket.to_uppercase(), "tickets are lower case".to_owned()),
            (ticket.replacen("endpoint", "Endpoint", 1), "tickets are lower case".to_owned()),
            (ticket[1..].to_owned(), "a ticket starts with \"endpoint\"".to_owned()),
            ("é".repeat(40), "a ticket starts with \"endpoint\"".to_owned()),
            ("endpoint".to_owned(), "it has 8 characters, and the shortest ticket has 63".to_owned()),
            (ticket[..62].to_owned(), "it has 62 characters, and the shortest ticket has 63".to_owned()),
            (
                format!("{}1{}", &ticket[..20], &ticket[21..]),
                format!("character 21 of {count} is not one of a to z, 2 to 7"),
            ),
            (format!("{}é", &ticket[..70]), "character 71 of 71 is not one of a to z, 2 to 7".to_owned()),
            (format!("{}\n{}", &ticket[..40], &ticket[40..]), format!("character 41 of {} is white space", count + 1)),
            // An invalid key.
            (format!("{}aa{}", &ticket[..18], &ticket[20..]), format!("one of its {count} characters is mistyped")),
        ] {
            let message = message(&text);
            assert!(message.contains(&says), "{message:?} does not say {says:?}");
        }
    }

    #[test]
    fn every_truncated_ticket_is_reported_as_truncated() {
        let ticket = ticket();
        for count in SHORTEST..ticket.len() {
            assert!(message(&ticket[..count]).contains(&format!("it ends too early, after {count} characters")));
        }
    }

    proptest! {
        #[test]
        fn an_error_never_repeats_the_text(text in "(endpoint|ENDPOINT|)[a-z2-7]{40,80}[ 1]?[a-z2-7]{40}") {
            if let Err(error) = PeerAddress::from_ticket(&text) {
                let shown = format!("{error} {error:?}");
                prop_assert!(!shown.contains(&text[8..20]) && !shown.contains(&text[text.len() - 12..]), "{shown}");
            }
        }
    }
}
