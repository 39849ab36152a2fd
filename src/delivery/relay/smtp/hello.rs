//! The name that EHLO gives.

use std::net::{IpAddr, SocketAddr};

use lettre::transport::smtp::extension::ClientId;

/// How we introduce ourselves: a full name, or where there is none the address of our end of the
/// connection (RFC 5321, section 4.1.4).
pub(super) fn client_id(hello: &str, own: SocketAddr) -> ClientId {
    if is_full_name(hello) {
        return ClientId::Domain(hello.to_owned());
    }
    let named: Option<IpAddr> = hello.trim_matches(['[', ']']).parse().ok();
    match named.unwrap_or(own.ip()).to_canonical() {
        IpAddr::V4(address) => ClientId::Ipv4(address),
        IpAddr::V6(address) => ClientId::Ipv6(address),
    }
}

/// RFC 1123, section 2.1, with at least two labels, the last of them no number.
fn is_full_name(name: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    let is_number = |label: &str| label.bytes().all(|b| b.is_ascii_digit());
    name.len() <= 253
        && name.split('.').all(is_label)
        && name
            .rsplit_once('.')
            .is_some_and(|(_, last)| !is_number(last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(hello: &str, own: [u8; 4], expected: &str) {
        let own = SocketAddr::from((own, 40_000));
        assert_eq!(client_id(hello, own).to_string(), expected, "{hello}");
    }

    #[test]
    fn we_introduce_ourselves_by_a_full_name_or_an_address() {
        let own = [192, 0, 2, 7];
        check("news.example.org", own, "news.example.org");
        check("xn--bcher-kva.example", own, "xn--bcher-kva.example");
        for no_name in ["localhost", "", "a..b", "-a.example", "a_b.example", "1.2"] {
            check(no_name, own, "[192.0.2.7]");
        }
        check("198.51.100.1", own, "[198.51.100.1]");
        check("[2001:db8::1]", own, "[IPv6:2001:db8::1]");
    }
}
