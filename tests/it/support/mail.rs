//! A message as its reader's program understands it.

use std::{fs, path::Path};

use mail_parser::MessageParser;
use url::Url;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mail {
    pub(crate) to: String,
    pub(crate) subject: String,
    pub(crate) id: String,
    pub(crate) text: String,
    pub(crate) html: String,
    /// The address that a mail program's own button posts to, without scheme and host.
    pub(crate) one_click: Option<String>,
}

impl Mail {
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let message = MessageParser::default().parse(bytes).unwrap();
        let address = message.to().and_then(|to| to.first()?.address());
        let has_button = message.header_raw("List-Unsubscribe-Post").is_some();
        let button = message.header_raw("List-Unsubscribe").map(|raw| {
            let raw: String = raw.split_whitespace().collect();
            let start = raw.find("<http").unwrap() + 1;
            path(raw[start..].split('>').next().unwrap())
        });
        Self {
            to: address.unwrap().to_owned(),
            subject: message.subject().unwrap().to_owned(),
            id: message.message_id().unwrap().to_owned(),
            text: message.body_text(0).unwrap().into_owned(),
            html: message.body_html(0).unwrap().into_owned(),
            one_click: button.filter(|_| has_button),
        }
    }

    /// Every message of a folder relay, by recipient.
    pub(crate) fn in_folder(folder: &Path) -> Vec<Mail> {
        let Ok(files) = fs::read_dir(folder) else {
            return Vec::new();
        };
        let paths = files.map(|file| file.unwrap().path());
        let mut mails: Vec<Mail> = paths
            .filter(|path| path.extension().is_some_and(|end| end == "eml"))
            .map(|path| Mail::parse(&fs::read(path).unwrap()))
            .collect();
        mails.sort_by(|a, b| (&a.to, &a.id).cmp(&(&b.to, &b.id)));
        mails
    }

    /// The first address in the text with `part` in it, without scheme and host.
    #[track_caller]
    pub(crate) fn link(&self, part: &str) -> String {
        let link = self
            .text
            .split_whitespace()
            .find(|word| word.starts_with("http") && word.contains(part));
        path(link.unwrap_or_else(|| panic!("no {part} in {}", self.text)))
    }
}

fn path(address: &str) -> String {
    let url: Url = address.parse().unwrap();
    url[url::Position::BeforePath..].to_owned()
}
