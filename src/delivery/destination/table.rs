//! The receivers that most lists send much to.

/// Group and domains; `name.*` is the name in any country.
pub(super) const GROUPS: &[(&str, &[&str])] = &[
    ("gmail", &["gmail.com", "googlemail.com"]),
    (
        "microsoft",
        &[
            "outlook.*",
            "hotmail.*",
            "live.*",
            "msn.com",
            "passport.com",
            "windowslive.com",
        ],
    ),
    // AOL and Verizon are served by Yahoo, and so are AT&T's brands and Comcast since 2025.
    (
        "yahoo",
        &[
            "yahoo.*",
            "ymail.com",
            "rocketmail.com",
            "myyahoo.com",
            "aol.*",
            "aim.com",
            "netscape.net",
            "verizon.net",
            "att.net",
            "sbcglobal.net",
            "bellsouth.net",
            "ameritech.net",
            "pacbell.net",
            "swbell.net",
            "prodigy.net",
            "comcast.net",
        ],
    ),
    // Another company under the same name.
    ("yahoo-japan", &["yahoo.co.jp", "ybb.ne.jp"]),
    ("apple", &["icloud.com", "me.com", "mac.com"]),
    (
        "united-internet",
        &[
            "gmx.*",
            "web.de",
            "mail.com",
            "email.com",
            "1und1.de",
            "online.de",
        ],
    ),
    ("telekom", &["t-online.de", "magenta.de"]),
    ("orange", &["orange.fr", "wanadoo.fr"]),
    ("free", &["free.fr", "aliceadsl.fr"]),
    ("laposte", &["laposte.net"]),
    ("sfr", &["sfr.fr", "neuf.fr"]),
    (
        "libero",
        &["libero.it", "virgilio.it", "iol.it", "inwind.it"],
    ),
    ("seznam", &["seznam.cz", "email.cz", "post.cz"]),
    ("onet", &["onet.pl", "onet.eu", "op.pl", "vp.pl"]),
    ("wp", &["wp.pl", "o2.pl", "tlen.pl"]),
    (
        "mail.ru",
        &["mail.ru", "inbox.ru", "list.ru", "bk.ru", "internet.ru"],
    ),
    ("yandex", &["yandex.*", "ya.ru"]),
    ("qq", &["qq.com", "foxmail.com"]),
    ("netease", &["163.com", "126.com", "yeah.net"]),
    ("sina", &["sina.com", "sina.cn"]),
    ("naver", &["naver.com"]),
    ("docomo", &["docomo.ne.jp"]),
    ("proton", &["proton.me", "protonmail.com", "pm.me"]),
    ("zoho", &["zoho.com", "zohomail.com"]),
    ("uol", &["uol.com.br", "bol.com.br"]),
    ("terra", &["terra.com.br"]),
];
