//! From content and recipient to RFC 5322 bytes.
//!
//! A message is a function of its content and its recipient alone: a retry sends the same bytes.
//! What all recipients share is encoded once, in [`Prepared::new`].

mod header;
mod part;
pub mod verp;

use chrono::{DateTime, Utc};
use ring::digest;
use url::Url;

use super::{
    Claimed, Content, Mark, Purpose, Recipient,
    dkim::{SignError, Signer},
};
use crate::{
    id::{ContentId, EditionSlug, SubscriberId},
    subscribers::{
        address::EmailAddress,
        token::{TokenPurpose, Tokens},
    },
};
use header::{named, subject};
use part::Part;
use verp::Verp;

/// What a relay takes: RFC 5321 envelope and RFC 5322 bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub envelope: Envelope,
    /// The left side of Message-ID: 32 hexadecimal digits.
    pub id: String,
    pub bytes: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// Where bounces go: the sender, or an address of this delivery's own.
    pub return_path: EmailAddress,
    pub recipient: EmailAddress,
}

/// What leads back to us from a message: the recipient's own links, and the way of its bounces.
#[derive(Clone, Debug)]
pub struct Links {
    /// Ends with `/`.
    pub base_url: Url,
    pub tokens: Tokens,
    /// None if bounces go to the sender's own mailbox.
    pub bounces: Option<Verp>,
}

impl Links {
    /// The page that asks, and the target of the one-click POST of RFC 8058.
    pub fn unsubscribe(&self, who: SubscriberId, edition: &EditionSlug, at: DateTime<Utc>) -> Url {
        let token = self
            .tokens
            .mint(TokenPurpose::Unsubscribe, who, edition, at);
        self.address(&format!("unsubscribe/{token}"))
    }

    pub fn confirm(&self, who: SubscriberId, edition: &EditionSlug, at: DateTime<Utc>) -> Url {
        let token = self.tokens.mint(TokenPurpose::Confirm, who, edition, at);
        self.address(&format!("confirm/{token}"))
    }

    fn return_path(&self, claimed: &Claimed, sender: &EmailAddress) -> EmailAddress {
        let delivery = &claimed.delivery;
        match &self.bounces {
            Some(verp) => verp.mint(delivery.id),
            None => sender.clone(),
        }
    }

    /// `text` with every mark filled in, as it stands in a message to `to`.
    pub fn fill_in(
        &self,
        text: &str,
        to: &Recipient,
        edition: &EditionSlug,
        at: DateTime<Utc>,
    ) -> String {
        Mark::ALL.iter().fold(text.to_owned(), |text, mark| {
            text.replace(mark.text(), self.fill(*mark, to, edition, at).as_str())
        })
    }

    /// The link that stands for `mark`. Who is no subscriber has no links of their own, and gets
    /// the edition's page.
    fn fill(&self, mark: Mark, to: &Recipient, edition: &EditionSlug, at: DateTime<Utc>) -> Url {
        match (mark, to) {
            (Mark::Unsubscribe, Recipient::Subscriber(who)) => self.unsubscribe(*who, edition, at),
            (Mark::Confirm, Recipient::Subscriber(who)) => self.confirm(*who, edition, at),
            (_, Recipient::Address(_)) => self.address(&format!("e/{edition}")),
        }
    }

    fn address(&self, path: &str) -> Url {
        self.base_url
            .join(path)
            .unwrap_or_else(|_| self.base_url.clone())
    }
}

/// A content, encoded but for what differs between recipients.
#[derive(Debug)]
pub struct Prepared {
    pub id: ContentId,
    purpose: Purpose,
    edition: EditionSlug,
    sender: EmailAddress,
    date: DateTime<Utc>,
    headers: String,
    text: Part,
    html: Part,
    /// Those whose links a message has, in its parts or in its head.
    marks: Vec<Mark>,
}

impl Prepared {
    pub fn new(id: ContentId, content: &Content) -> Self {
        let text = Part::new(&content.text);
        let html = Part::new(&content.html);
        let header = (content.purpose == Purpose::Digest).then_some(Mark::Unsubscribe);
        let is_used = |mark: &Mark| {
            let mut used = text.marks().chain(html.marks()).chain(header);
            used.any(|used| used == *mark)
        };
        Self {
            id,
            purpose: content.purpose,
            edition: content.edition.clone(),
            sender: content.sender.clone(),
            date: content.date,
            headers: shared_headers(id, content),
            marks: Mark::ALL.into_iter().filter(is_used).collect(),
            text,
            html,
        }
    }

    /// The whole message, signed.
    ///
    /// # Errors
    /// If it cannot be signed, and then it must not be sent.
    pub fn message(
        &self,
        links: &Links,
        signer: &Signer,
        claimed: &Claimed,
    ) -> Result<Message, SignError> {
        let id = self.message_id(&claimed.address);
        let to = &claimed.delivery.to;
        let fill = |mark: &Mark| links.fill(*mark, to, &self.edition, self.date);
        let own: Vec<_> = self.marks.iter().map(|mark| (*mark, fill(mark))).collect();
        let size = self.headers.len() + self.text.len() + self.html.len();
        let mut bytes = Vec::with_capacity(size + ROOM_FOR_LINKS);
        self.write_own_headers(&mut bytes, &id, &own, claimed);
        bytes.extend(self.headers.as_bytes());
        self.write_parts(&mut bytes, &own);
        signer.sign(&mut bytes, self.date)?;
        Ok(Message {
            envelope: Envelope {
                return_path: links.return_path(claimed, &self.sender),
                recipient: claimed.address.clone(),
            },
            id,
            bytes,
        })
    }

    /// Unique for content and recipient, and says nothing about either (RFC 5322, section 3.6.4).
    fn message_id(&self, recipient: &EmailAddress) -> String {
        let mut cx = digest::Context::new(&digest::SHA256);
        cx.update(&self.id.0.to_be_bytes());
        cx.update(&self.date.timestamp_micros().to_be_bytes());
        cx.update(recipient.as_str().as_bytes());
        let mut half = [0; 16];
        half.copy_from_slice(&cx.finish().as_ref()[..16]);
        format!("{:032x}", u128::from_be_bytes(half))
    }

    /// Writes the headers that no two recipients share.
    fn write_own_headers(
        &self,
        out: &mut Vec<u8>,
        id: &str,
        own_links: &[(Mark, Url)],
        claimed: &Claimed,
    ) {
        let mut add = |parts: &[&str]| parts.iter().for_each(|part| out.extend(part.as_bytes()));
        let name = claimed.name.as_deref().unwrap_or_default();
        add(&[&named("To", name, claimed.address.as_str())]);
        add(&["Message-ID: <", id, "@", self.sender.domain(), ">\r\n"]);

        let leave = own_links
            .iter()
            .find(|(mark, _)| *mark == Mark::Unsubscribe);
        if let (Purpose::Digest, Recipient::Subscriber(_), Some((_, link))) =
            (self.purpose, &claimed.delivery.to, leave)
        {
            // One URI that alone says who leaves what (RFC 8058, section 3.1). Never folded, never
            // encoded: a `Url` is ASCII without spaces.
            add(&["List-Unsubscribe: <", link.as_str(), ">\r\n"]);
            // Plain HTTP is only configured on a loopback, where nobody clicks.
            if link.scheme() == "https" {
                add(&["List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"]);
            }
        }
    }

    /// Text first, the richest last (RFC 2046, section 5.1.4).
    fn write_parts(&self, out: &mut Vec<u8>, own: &[(Mark, Url)]) {
        let spelt = |spell: fn(&str) -> String| -> Vec<_> {
            let spelt = |(mark, link): &(Mark, Url)| (*mark, spell(link.as_str()));
            own.iter().map(spelt).collect()
        };
        for (media_type, part, links) in [
            ("text/plain", &self.text, spelt(str::to_owned)),
            ("text/html", &self.html, spelt(escape_html)),
        ] {
            out.extend(part_head(media_type, part.encoding()).as_bytes());
            part.write(out, |mark| link_of(&links, mark));
        }
        out.extend(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
    }
}

/// `=_` occurs neither in quoted-printable text (RFC 2045, section 6.7) nor in base64.
const BOUNDARY: &str = "=_courant_alternative";

/// Four links of some 150 characters, the headers that carry them, and two signatures.
const ROOM_FOR_LINKS: usize = 4096;

/// The longest label of a list as it stands; a longer one ends in its hash.
const MAX_LABEL: usize = 100;

/// Names us in Feedback-ID; 5 to 15 characters that never change.
const SENDER_ID: &str = "courant";

/// Whatever a header takes from outside is encoded by lettre; the rest is ASCII that we made.
fn shared_headers(id: ContentId, content: &Content) -> String {
    let title = content.edition_title.as_str();
    let label = ascii_label(&content.edition);
    let purpose = match content.purpose {
        Purpose::Digest => "digest",
        Purpose::Confirmation => "confirmation",
        Purpose::Notice => "notice",
    };

    let mut headers = named("From", title, content.sender.as_str());
    headers.push_str(&subject(&content.subject));
    let mut add = |line: String| headers.extend([line.as_str(), "\r\n"]);
    add(format!("Date: {}", content.date.to_rfc2822()));
    add("MIME-Version: 1.0".to_owned());
    add(format!(
        "Content-Type: multipart/alternative; boundary=\"{BOUNDARY}\""
    ));
    add("Auto-Submitted: auto-generated".to_owned());
    // Not `All`, which would suppress bounces as well (MS-OXCMAIL, section 2.1.3.2.20).
    add("X-Auto-Response-Suppress: OOF, AutoReply".to_owned());
    add(format!("Feedback-ID: {id}:{label}:{purpose}:{SENDER_ID}"));
    let page = content.archived_at.as_deref();
    let page = page.and_then(|url| Url::parse(url).ok());
    if let Some(page) = &page {
        add(format!("Archived-At: <{page}>"));
    }
    if content.purpose != Purpose::Confirmation {
        add("Precedence: bulk".to_owned());
        // Nobody writes to the list (RFC 2369, section 3.4).
        add("List-Post: NO".to_owned());
        if let Some(edition) = page.as_ref().and_then(parent) {
            add(format!("List-Archive: <{edition}>"));
            add(format!("List-Subscribe: <{edition}>"));
        }
        // Lasts as long as the edition's name, whatever its title (RFC 2919, section 2).
        let list = format!("{label}.{}", content.sender.domain());
        headers.push_str(&named("List-Id", title, &list));
    }
    headers
}

/// The page above: of a digest, its edition's, which has the earlier ones and the form to subscribe.
fn parent(page: &Url) -> Option<Url> {
    let mut above = page.clone();
    above.path_segments_mut().ok()?.pop();
    Some(above)
}

/// Slugs may have letters of any script; the label of a list is ASCII, and a list with its domain has
/// at most 255 octets (RFC 2919, section 3).
fn ascii_label(edition: &EditionSlug) -> String {
    let ascii = |c: char| match c {
        c if c.is_ascii() => c.to_string(),
        c => format!("_{:x}", u32::from(c)),
    };
    let label: String = edition.as_str().chars().map(ascii).collect();
    if label.len() <= MAX_LABEL {
        return label;
    }
    let hash = digest::digest(&digest::SHA256, label.as_bytes());
    let ends = hash.as_ref().iter().take(8);
    let ends = ends.map(|byte| format!("{byte:02x}"));
    label
        .chars()
        .take(MAX_LABEL / 2)
        .chain(['_'])
        .collect::<String>()
        + &ends.collect::<String>()
}

fn link_of(links: &[(Mark, String)], mark: Mark) -> &str {
    let link = links.iter().find(|(of, _)| *of == mark);
    link.map_or("", |(_, link)| link)
}

fn part_head(media_type: &str, encoding: &str) -> String {
    format!(
        "\r\n--{BOUNDARY}\r\n\
         Content-Type: {media_type}; charset=utf-8\r\n\
         Content-Transfer-Encoding: {encoding}\r\n\r\n"
    )
}

fn escape_html(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests;
