use super::*;

fn guard(allow: &[&str]) -> Guard {
    Guard {
        allow: allow
            .iter()
            .map(|text| Network::parse(text).unwrap())
            .collect(),
        ports: vec![8080],
    }
}

/// What the guard says about `http://{host}/`, without a lookup.
fn verdict(guard: &Guard, host: &str) -> Result<(), Denied> {
    let url = Url::parse(&format!("http://{host}/feed")).unwrap();
    guard.check(&url).map(|_| ())
}

const DENIED: [(&str, &str); 16] = [
    ("this network", "0.0.0.0 0 0.1.2.3 0x0 00.0.0.0"),
    (
        "loopback",
        "127.0.0.1 127.255.255.255 127.1 127.0.1 127.0.0.1.",
    ),
    (
        "loopback in other digits",
        "2130706433 0x7f000001 0x7f.1 0177.0.0.1 017700000001",
    ),
    (
        "RFC 1918",
        "10.0.0.1 10.255.255.255 172.16.0.1 172.31.255.255 192.168.0.1",
    ),
    (
        "RFC 1918 in other digits",
        "0xa.0.0.1 167772161 0300.0250.0.1 3232235521",
    ),
    ("carrier-grade NAT", "100.64.0.1 100.127.255.255"),
    (
        "link-local, and the metadata service",
        "169.254.0.1 169.254.169.254 2852039166",
    ),
    (
        "assignments and documentation",
        "192.0.0.1 192.0.0.171 192.0.2.1 198.51.100.7 203.0.113.9",
    ),
    (
        "benchmarks, 6to4 relays",
        "198.18.0.1 198.19.255.255 192.88.99.1",
    ),
    (
        "multicast, reserved, broadcast",
        "224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255",
    ),
    (
        "IPv6 local",
        "[::] [::1] [fc00::1] [fd12:3456::1] [fe80::1] [febf::1] [fec0::1] [ff02::1]",
    ),
    (
        "IPv6 special",
        "[2001:db8::1] [3fff::1] [100::1] [5f00::1] [2001:2::1] [2001:10::1]",
    ),
    (
        "mapped, compatible",
        "[::ffff:127.0.0.1] [::ffff:10.0.0.1] [::ffff:a9fe:a9fe] [::127.0.0.1]",
    ),
    (
        "NAT64",
        "[64:ff9b::10.0.0.1] [64:ff9b::a9fe:a9fe] [64:ff9b:1::8.8.8.8]",
    ),
    (
        "6to4, Teredo",
        "[2002:7f00:1::] [2002:a00:1::1] [2002:c0a8:101::1] \
      [2001:0:808:808::f5ff:fffe] [2001:0:a00:1::f7f7:f7f7]",
    ),
    (
        "names",
        "localhost localhost. LOCALHOST feeds.localhost a.b.localhost. \u{ff4c}ocalhost",
    ),
];

const ADMITTED: [(&str, &str); 4] = [
    ("IPv4", "1.1.1.1 8.8.8.8 0x08080808 223.255.255.255"),
    (
        "neighbors of what is denied",
        "9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 \
      126.255.255.255 128.0.0.1 169.253.255.255 172.15.255.255 172.32.0.0 192.0.1.1 192.167.1.1 \
      192.169.1.1 198.17.1.1 198.20.0.1",
    ),
    (
        "IPv6",
        "[2606:4700:4700::1111] [2a00:1450::1] [2001:200::1] [::ffff:8.8.8.8] \
      [64:ff9b::808:808] [2002:808:808::1] [2001:0:808:808::f7f7:f7f7]",
    ),
    (
        "names",
        "feeds.example localhost.example notlocalhost 127.0.0.1.example",
    ),
];

#[test]
fn only_public_addresses_are_asked() {
    for (kind, hosts) in DENIED {
        for host in hosts.split_whitespace() {
            assert!(
                verdict(&guard(&[]), host).is_err(),
                "{kind}: {host} was admitted"
            );
        }
    }
    for (kind, hosts) in ADMITTED {
        for host in hosts.split_whitespace() {
            assert_eq!(verdict(&guard(&[]), host), Ok(()), "{kind}: {host}");
        }
    }
}

#[test]
fn an_allowed_network_is_asked_on_any_port() {
    let intranet = guard(&["127.0.0.0/8", "fd00::/8", "10.1.2.3"]);
    for host in [
        "127.0.0.1",
        "127.0.0.1:9999",
        "[::ffff:127.0.0.1]:81",
        "[fd00::1]:81",
        "10.1.2.3:1234",
        "localhost:4000",
    ] {
        assert_eq!(verdict(&intranet, host), Ok(()), "{host}");
    }
    for host in ["10.1.2.4", "[::1]", "192.168.0.1", "[fe80::1]"] {
        assert!(verdict(&intranet, host).is_err(), "{host} was admitted");
    }
}

#[test]
fn a_public_host_is_asked_on_the_listed_ports_only() {
    assert_eq!(verdict(&guard(&[]), "1.1.1.1:443"), Ok(()));
    assert_eq!(verdict(&guard(&[]), "1.1.1.1:8080"), Ok(()));
    assert_eq!(verdict(&guard(&[]), "1.1.1.1:22"), Err(Denied::Port(22)));
}

#[tokio::test]
async fn a_name_on_an_unusual_port_is_refused_without_an_allowed_network() {
    let url = Url::parse("http://feeds.example:6379/").unwrap();

    assert_eq!(guard(&[]).admit(&url).await, Err(Denied::Port(6379)));
}

#[test]
fn other_schemes_and_credentials_are_refused() {
    let check = |url: &str| guard(&[]).check(&Url::parse(url).unwrap()).map(|_| ());

    assert_eq!(check("ftp://1.1.1.1/"), Err(Denied::Scheme("ftp".into())));
    assert_eq!(
        check("file:///etc/passwd"),
        Err(Denied::Scheme("file".into()))
    );
    assert_eq!(check("http://me@1.1.1.1/"), Err(Denied::Credentials));
    assert_eq!(check("http://:secret@1.1.1.1/"), Err(Denied::Credentials));
}

#[tokio::test]
async fn a_name_is_refused_for_the_address_it_resolves_to() {
    let resolve = |guard: Guard| async move {
        match guard.resolve("localhost".parse().unwrap()).await {
            Ok(found) => Ok(found.count()),
            Err(err) => Err(err.to_string()),
        }
    };

    assert!(
        resolve(guard(&[]))
            .await
            .unwrap_err()
            .contains("is private")
    );
    assert!(resolve(guard(&["127.0.0.0/8", "::1"])).await.unwrap() > 0);
}

#[test]
fn a_network_is_read_as_written() {
    for (text, expected) in [
        ("10.0.0.0/8", Some("10.0.0.0/8")),
        ("10.0.0.1", Some("10.0.0.1/32")),
        ("fd00::/8", Some("fd00::/8")),
        ("::/0", Some("::/0")),
        ("0.0.0.0/0", Some("0.0.0.0/0")),
        ("10.0.0.0/33", None),
        ("fd00::/129", None),
        ("10.0.0.0/", None),
        ("10.0.0.0/-1", None),
        ("10.0.0", None),
        ("intranet", None),
        ("", None),
    ] {
        let network = Network::parse(text).map(|network| network.to_string());
        assert_eq!(network.ok().as_deref(), expected, "{text}");
    }
}

#[test]
fn one_private_address_among_public_ones_refuses_a_name() {
    let screen = |guard: &Guard, found: &[&str]| {
        let found = found
            .iter()
            .map(|ip| SocketAddr::new(ip.parse().unwrap(), 0));
        guard.screen(found.collect()).map(|found| found.len())
    };
    let private = |ip: &str| Err(Denied::Private(ip.parse().unwrap()));

    assert_eq!(screen(&guard(&[]), &["1.1.1.1", "2606:4700::1111"]), Ok(2));
    for ip in ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "fd00::1"] {
        assert_eq!(screen(&guard(&[]), &["1.1.1.1", ip]), private(ip));
        assert_eq!(screen(&guard(&[]), &[ip, "1.1.1.1"]), private(ip));
        assert_eq!(screen(&guard(&[ip]), &[ip, "1.1.1.1"]), Ok(2));
    }
    assert_eq!(
        screen(&guard(&[]), &["::ffff:10.0.0.1"]),
        private("10.0.0.1")
    );
}
