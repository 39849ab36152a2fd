//! What the server offers in this session (RFC 5321, section 4.1.1.1), and the commands that use it.

use super::super::{Refusal, Sent};
use crate::delivery::compose::Message;

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Offers {
    /// Several commands may go out together (RFC 2920): two round trips a message, not four.
    pub(super) pipelining: bool,
    /// RFC 3461.
    dsn: bool,
    /// RFC 6152.
    eight_bit: bool,
    /// RFC 6531.
    smtputf8: bool,
    size: Size,
}

/// RFC 1870.
#[derive(Debug, Default, PartialEq, Eq)]
enum Size {
    #[default]
    NotOffered,
    NoLimit,
    AtMost(usize),
}

impl Offers {
    /// Reads the lines of a reply to EHLO. The first one is a greeting.
    pub(super) fn read<'a>(lines: impl Iterator<Item = &'a str>) -> Self {
        let mut offers = Self::default();
        for line in lines.skip(1) {
            let mut words = line.split_ascii_whitespace();
            let keyword = words.next().unwrap_or_default().to_ascii_uppercase();
            match keyword.as_str() {
                "PIPELINING" => offers.pipelining = true,
                "DSN" => offers.dsn = true,
                "8BITMIME" => offers.eight_bit = true,
                "SMTPUTF8" => offers.smtputf8 = true,
                "SIZE" => {
                    let limit = words.next().and_then(|limit| limit.parse().ok());
                    offers.size = match limit {
                        None | Some(0) => Size::NoLimit,
                        Some(limit) => Size::AtMost(limit),
                    };
                }
                _ => {}
            }
        }
        offers
    }

    /// What such a server cannot take need not be tried.
    pub(super) fn accept(&self, message: &Message) -> Result<(), Sent> {
        let permanent = |reply: String| {
            Err(Sent::Refused {
                refusal: Refusal::Permanent,
                reply,
            })
        };
        match self.size {
            Size::AtMost(limit) if message.bytes.len() > limit => {
                return permanent(format!(
                    "the message has {} bytes; the relay takes {limit}",
                    message.bytes.len()
                ));
            }
            _ => {}
        }
        if needs_smtputf8(message) && !self.smtputf8 {
            return permanent(
                "the relay does not offer SMTPUTF8, which this address needs".to_owned(),
            );
        }
        Ok(())
    }

    pub(super) fn mail(&self, message: &Message) -> String {
        let return_path = message.envelope.return_path.as_str();
        let mut command = format!("MAIL FROM:<{return_path}>");
        if self.size != Size::NotOffered {
            command += &format!(" SIZE={}", message.bytes.len());
        }
        if self.eight_bit && !message.bytes.is_ascii() {
            command += " BODY=8BITMIME";
        }
        if needs_smtputf8(message) {
            command += " SMTPUTF8";
        }
        if self.dsn {
            command += &format!(" RET=HDRS ENVID={}", xtext(&message.id));
        }
        command + "\r\n"
    }

    pub(super) fn rcpt(&self, message: &Message) -> String {
        let recipient = message.envelope.recipient.as_str();
        let mut command = format!("RCPT TO:<{recipient}>");
        if self.dsn {
            let (kind, address) = match recipient.is_ascii() {
                true => ("rfc822", xtext(recipient)),
                false => ("utf-8", utf8_xtext(recipient)),
            };
            command += &format!(" NOTIFY=FAILURE ORCPT={kind};{address}");
        }
        command + "\r\n"
    }
}

/// Bodies are encoded; what is beyond ASCII in a message is an address in its header.
fn needs_smtputf8(message: &Message) -> bool {
    let envelope = &message.envelope;
    !envelope.return_path.as_str().is_ascii()
        || !envelope.recipient.as_str().is_ascii()
        || !message.bytes.is_ascii()
}

/// RFC 3461, section 4.
fn xtext(text: &str) -> String {
    escape(text, "+=", |c| format!("+{:02X}", u32::from(c)))
}

/// RFC 6533, section 3: in ASCII also where the server would take more.
fn utf8_xtext(address: &str) -> String {
    escape(address, "\\+=", |c| format!("\\x{{{:02X}}}", u32::from(c)))
}

fn escape(text: &str, special: &str, hex: impl Fn(char) -> String) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii_graphic() && !special.contains(c) {
            escaped.push(c);
        } else {
            escaped += &hex(c);
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{delivery::compose::Envelope, subscribers::address::EmailAddress};

    fn message(recipient: &str) -> Message {
        Message {
            envelope: Envelope {
                return_path: EmailAddress::parse("news@example.org").unwrap(),
                recipient: EmailAddress::parse(recipient).unwrap(),
            },
            id: "0a1b".to_owned(),
            bytes: b"Subject: Hello\r\n\r\nbye\r\n".to_vec(),
        }
    }

    #[track_caller]
    fn check(offers: &str, recipient: &str, mail: &str, rcpt: &str) {
        let offers = Offers::read(offers.split('\n'));
        let message = message(recipient);
        assert_eq!(offers.mail(&message), format!("{mail}\r\n"));
        assert_eq!(offers.rcpt(&message), format!("{rcpt}\r\n"));
    }

    #[test]
    fn only_what_is_offered_is_asked_for() {
        check(
            "dsn.example",
            "ann@example.net",
            "MAIL FROM:<news@example.org>",
            "RCPT TO:<ann@example.net>",
        );
        check(
            "DSN\n8BITMIME\nSMTPUTF8",
            "ann@example.net",
            "MAIL FROM:<news@example.org>",
            "RCPT TO:<ann@example.net>",
        );
        check(
            "mx\nsize 1000\ndsn\n8BITMIME",
            "ann+new=s@example.net",
            "MAIL FROM:<news@example.org> SIZE=23 RET=HDRS ENVID=0a1b",
            "RCPT TO:<ann+new=s@example.net> NOTIFY=FAILURE \
             ORCPT=rfc822;ann+2Bnew+3Ds@example.net",
        );
        check(
            "mx\nSIZE\nSMTPUTF8\nDSN",
            "ännchen@example.net",
            "MAIL FROM:<news@example.org> SIZE=23 SMTPUTF8 RET=HDRS ENVID=0a1b",
            "RCPT TO:<ännchen@example.net> NOTIFY=FAILURE ORCPT=utf-8;\\x{E4}nnchen@example.net",
        );
    }

    #[test]
    fn eight_bits_are_announced() {
        let mut message = message("ann@example.net");
        message.bytes = "To: ännchen@example.net\r\n\r\n".into();
        let offers = Offers::read("mx\nSMTPUTF8\n8BITMIME".split('\n'));
        assert_eq!(
            offers.mail(&message),
            "MAIL FROM:<news@example.org> BODY=8BITMIME SMTPUTF8\r\n"
        );
    }

    #[test]
    fn what_the_server_cannot_take_is_not_tried() {
        let refusal = |offers: &str, recipient: &str| {
            let offers = Offers::read(offers.split('\n'));
            match offers.accept(&message(recipient)) {
                Ok(()) => None,
                Err(Sent::Refused { refusal, .. }) => Some(refusal),
                Err(other) => panic!("{other:?}"),
            }
        };
        for fits in ["mx", "mx\nSIZE", "mx\nSIZE 0", "mx\nSIZE 23", "mx\nSIZE x"] {
            assert_eq!(refusal(fits, "ann@example.net"), None, "{fits}");
        }
        let permanent = Some(Refusal::Permanent);
        assert_eq!(refusal("mx\nSIZE 22", "ann@example.net"), permanent);
        assert_eq!(refusal("mx\n8BITMIME", "ännchen@example.net"), permanent);
        assert_eq!(refusal("mx\nSMTPUTF8", "ännchen@example.net"), None);
    }
}
