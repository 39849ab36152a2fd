//! What a refusal means for the message, for its recipient, and for those that wait behind it.
//!
//! The enhanced code (RFC 3463) decides. Words are read where there is none, or where it is one of
//! the vague ones (`X.Y.0`), because servers agree on codes far more than on words.

mod words;

use super::Refusal;
use words::Words;

/// What was asked when the relay refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// MAIL, which tells of us and of the size, and of no recipient yet.
    Mail,
    Rcpt,
    /// DATA, or the message after it.
    Data,
}

/// Sorts a refusal by its reply code (RFC 5321, section 4.2.3) and what stands behind it.
///
/// `text` is the whole reply without its codes of three digits. Whatever the words, two borders
/// hold: a 4yz never says that an address is bad, and neither does anything that is said to MAIL.
pub(super) fn classify(stage: Stage, code: u16, text: &str) -> Refusal {
    let status = Status::find(text);
    let words = Words::of(text);
    let refusal = match code {
        ..=499 => temporary(stage, code, status, &words),
        _ => permanent(stage, code, status, &words),
    };
    match (stage, refusal) {
        (Stage::Mail, Refusal::BadAddress) => Refusal::Policy,
        (Stage::Mail, Refusal::MailboxBusy) => Refusal::Temporary,
        (Stage::Rcpt | Stage::Data, Refusal::Away) => Refusal::BreaksOff,
        (_, refusal) => refusal,
    }
}

fn temporary(stage: Stage, code: u16, status: Option<Status>, words: &Words) -> Refusal {
    let subject = status.map(|status| status.subject);
    // A mailbox that takes letters too quickly (Gmail's 4.2.1) is not a destination that does.
    let is_mailbox = matches!(subject, Some(1 | 2));
    let is_quota = subject == Some(7) && words.tell_of_quota();
    let is_rate = status == Some(Status::RATE) || words.tell_of_rate() || is_quota;
    match (code, subject) {
        _ if is_rate && !is_mailbox => Refusal::RateLimited,
        // 454 is a login that could not be checked (RFC 4954, section 6), or Postfix without one.
        (421 | 454, _) => Refusal::Away,
        _ if status == Some(Status::CONGESTION) => Refusal::RateLimited,
        // The relay's own disk or configuration: the next message fares no better.
        (_, Some(3)) | (452, None) if stage == Stage::Mail => Refusal::Away,
        _ if is_mailbox => Refusal::MailboxBusy,
        _ => Refusal::Temporary,
    }
}

fn permanent(stage: Stage, code: u16, status: Option<Status>, words: &Words) -> Refusal {
    match (code, status) {
        // No mail at all (RFC 7504), or none without a login (RFC 4954, section 6).
        (521 | 530 | 534 | 535 | 538, _) => Refusal::Away,
        // Whoever finds MAIL out of order wants a login first.
        (503, _) if stage == Stage::Mail => Refusal::Away,
        // The session lost step: nobody's fault, and RSET mends it.
        (503, _) => Refusal::Temporary,
        (_, Some(status)) if !status.is_vague() => by_status(stage, status, words),
        _ => by_words(stage, code, words),
    }
}

/// Reads the codes of RFC 3463, RFC 5248, RFC 7372 and RFC 7505 as they stand in a 5yz.
///
/// Trouble with the way to a domain (5.4.X: no host answers, no route, a loop) is never a bad
/// address: it passes, and it can be the relay's own resolver that fails. A relay that knows for
/// good that a domain does not exist, or wants no mail, has codes for that: 5.1.2 and 5.1.10 (null
/// MX). One exception is Microsoft's: "5.4.1 Recipient address rejected" is how Exchange Online
/// says that its directory has no such recipient.
fn by_status(stage: Stage, status: Status, words: &Words) -> Refusal {
    match (status.subject, status.detail) {
        // What a relay was told when it asked whether the mailbox is there; and it was about us.
        (1, _) if words.tell_of_a_probe() && words.tell_of_policy() => Refusal::Policy,
        (1, 1 | 2 | 3 | 6 | 10) => Refusal::BadAddress,
        (4, 1) if words.tell_of_recipient() => Refusal::BadAddress,
        // The sender's address.
        (1, 7 | 8) => Refusal::Policy,
        // Gmail says so of mailboxes that get too much, as well as of closed ones.
        (2, 1) if words.tell_of_rate() => Refusal::MailboxBusy,
        (2, 1) => Refusal::BadAddress,
        // Mailbox full, system full, too many recipients: permanent by name only.
        (2, 2) => Refusal::MailboxBusy,
        (3, 1) | (5, 3) => Refusal::Temporary,
        (3, 2) if stage == Stage::Mail => Refusal::Away,
        (4, 5) => Refusal::RateLimited,
        // Yandex files unknown users under 5.7.1. Nobody is dropped for a 5.7.X, but neither is
        // this one about us.
        (7, 1) if stage == Stage::Rcpt && words.tell_of_no_mailbox() && !words.tell_of_policy() => {
            Refusal::Permanent
        }
        (7, _) => Refusal::Policy,
        _ => Refusal::Permanent,
    }
}

/// What costs us least if it is a mistake comes first, and what costs a subscriber comes last.
fn by_words(stage: Stage, code: u16, words: &Words) -> Refusal {
    if words.tell_of_rate() {
        Refusal::RateLimited
    } else if words.tell_of_policy() {
        Refusal::Policy
    } else if words.tell_of_a_full_mailbox() {
        Refusal::MailboxBusy
    } else if words.tell_of_no_mailbox() {
        Refusal::BadAddress
    } else {
        by_code(stage, code, words)
    }
}

fn by_code(stage: Stage, code: u16, words: &Words) -> Refusal {
    match (code, stage) {
        // RFC 5321's own words for 550, and all that Outlook and GMX say of unknown users. After
        // the message they may mean anything.
        (550, Stage::Rcpt) if words.are_of_550() => Refusal::BadAddress,
        // The domain takes no mail (RFC 7504).
        (556, _) => Refusal::BadAddress,
        (552, _) if words.tell_of_size() => Refusal::Permanent,
        // RFC 5321, section 4.5.3.1.10: 552 where 452 is meant.
        (552, _) => Refusal::Temporary,
        (500..=504 | 555, _) => Refusal::Permanent,
        (_, Stage::Mail) => Refusal::Policy,
        _ => Refusal::Permanent,
    }
}

/// Subject and detail of an enhanced code. Its class is left out: the reply code has it already,
/// and wins where the two disagree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Status {
    subject: u16,
    detail: u16,
}

impl Status {
    /// Bulk mail in excess of the rate that the receiver allows; Gmail's X.7.28.
    const RATE: Status = Status {
        subject: 7,
        detail: 28,
    };
    const CONGESTION: Status = Status {
        subject: 4,
        detail: 5,
    };

    /// The code that a reply starts with (RFC 2034), or that has a `#` before it, as qmail and
    /// Cisco write it. Elsewhere it may be a quotation of what another server said to another
    /// question.
    fn find(text: &str) -> Option<Self> {
        let mut words = text.split_whitespace();
        let first = words.next()?;
        let marked = |word: &str| word.find('#').and_then(|at| Self::parse(word.get(at..)?));
        Self::parse(first)
            .or_else(|| marked(first))
            .or_else(|| words.find_map(marked))
    }

    fn parse(word: &str) -> Option<Self> {
        let word = word.trim_matches(|c: char| !c.is_ascii_digit());
        let mut parts = word.split('.');
        let [class, subject, detail] = [parts.next()?, parts.next()?, parts.next()?];
        let is_number = |part: &str| {
            (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
        };
        if parts.next().is_some() || !["2", "4", "5"].contains(&class) {
            return None;
        }
        if !is_number(subject) || !is_number(detail) {
            return None;
        }
        Some(Status {
            subject: subject.parse().ok()?,
            detail: detail.parse().ok()?,
        })
    }

    /// Says no more than the reply code does; so do Exchange's own numbers for mailboxes.
    fn is_vague(self) -> bool {
        match self.subject {
            0 => true,
            2 => self.detail == 0 || self.detail > 99,
            7 => false,
            _ => self.detail == 0,
        }
    }
}

#[cfg(test)]
mod tests;
