//! What the words of a reply are about, as far as words can tell.

/// The words of a reply in lower case, one space around each, without links and addresses: the
/// domain of neither is an argument.
pub(super) struct Words(String);

const RATE: [&str; 21] = [
    "rate limit",
    "ratelimit",
    "rate exceeded",
    "sending rate",
    "unusual rate",
    "at a rate that",
    "exceeded the rate",
    "frequency limit",
    "throttl",
    "too fast",
    "too quickly",
    "too much mail",
    "too many messages",
    "too many mails",
    "too many emails",
    "too many connections",
    "too many concurrent",
    "maximum number of connections",
    "unexpected volume",
    "sending limit",
    "sending quota",
];

const QUOTA: [&str; 4] = [
    "quota exceeded",
    "exceeded quota",
    "message quota",
    "over quota",
];

const POLICY: [&str; 36] = [
    "spam",
    "antispam",
    "anti spam",
    "junk",
    "unsolicited",
    "abuse",
    "abusive",
    "complaint",
    "phish",
    "blacklist",
    "black list",
    "blocklist",
    "block list",
    "denylist",
    "blocked",
    "banned",
    "rbl",
    "dnsbl",
    "reputation",
    "policy",
    "policies",
    "prohibit",
    "spf",
    "dkim",
    "dmarc",
    "unauthenticated",
    "not authenticated",
    "authentication",
    "not authorized",
    "not authorised",
    "not permitted",
    "access denied",
    "relaying",
    "relay access",
    "to relay",
    "relay denied",
];

/// About who sends.
const SENDER: [&str; 9] = [
    "sender verify",
    "sender rejected",
    "sender denied",
    "sender address",
    "not verified",
    "reverse dns",
    "rdns",
    "ptr record",
    "dt spm",
];

const FULL: [&str; 13] = [
    "mailbox full",
    "mailbox is full",
    "inbox full",
    "inbox is full",
    "over quota",
    "overquota",
    "quota exceeded",
    "exceeded quota",
    "exceeded storage",
    "exceeds storage",
    "out of storage",
    "insufficient",
    "too many recipients",
];

const NO_MAILBOX: [&str; 35] = [
    "user unknown",
    "unknown user",
    "user is unknown",
    "user not found",
    "user not known",
    "user does not exist",
    "user doesn t",
    "no such user",
    "invalid user",
    "not a known user",
    "unknown recipient",
    "recipient unknown",
    "recipient not found",
    "recipient does not exist",
    "no such recipient",
    "invalid recipient",
    "no such mailbox",
    "no mailbox",
    "unknown mailbox",
    "invalid mailbox",
    "not a valid mailbox",
    "mailbox not found",
    "mailbox does not exist",
    "mailbox doesn t exist",
    "mailbox is disabled",
    "mailbox disabled",
    "mailbox is inactive",
    "account is disabled",
    "account disabled",
    "account is inactive",
    "account does not exist",
    "no such address",
    "address unknown",
    "unknown address",
    "address does not exist",
];

impl Words {
    pub(super) fn of(text: &str) -> Self {
        let mut words = String::with_capacity(text.len() + 2);
        for word in text.split_whitespace() {
            if word.contains("://") || word.contains("www.") || word.contains('@') {
                continue;
            }
            for part in word.split(|c: char| !c.is_alphanumeric()) {
                if !part.is_empty() {
                    words.push(' ');
                    words.push_str(&part.to_lowercase());
                }
            }
        }
        Self(words)
    }

    pub(super) fn tell_of_rate(&self) -> bool {
        self.have(&RATE) || self.have(&["daily message quota"])
    }

    /// Ours or a mailbox's: the code must tell.
    pub(super) fn tell_of_quota(&self) -> bool {
        self.have(&QUOTA)
    }

    pub(super) fn tell_of_policy(&self) -> bool {
        self.have(&POLICY) || self.have(&SENDER)
    }

    pub(super) fn tell_of_a_full_mailbox(&self) -> bool {
        self.have(&FULL)
    }

    pub(super) fn tell_of_no_mailbox(&self) -> bool {
        self.have(&NO_MAILBOX)
    }

    /// Postfix's for what the recipient's server said to a message of no content.
    pub(super) fn tell_of_a_probe(&self) -> bool {
        self.have(&["undeliverable address"])
    }

    pub(super) fn tell_of_recipient(&self) -> bool {
        self.have(&["recipient address rejected"])
    }

    pub(super) fn tell_of_size(&self) -> bool {
        self.have(&["size", "too large", "too big", "maximum message"])
    }

    /// What RFC 5321, section 4.2.3, gives as the text of 550.
    pub(super) fn are_of_550(&self) -> bool {
        self.have(&["mailbox unavailable"])
    }

    /// Looks for phrases that start where a word starts.
    fn have(&self, phrases: &[&str]) -> bool {
        phrases.iter().any(|phrase| {
            self.0
                .match_indices(phrase)
                .any(|(at, _)| self.0[..at].ends_with(' '))
        })
    }
}
