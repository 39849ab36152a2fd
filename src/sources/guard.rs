//! Which hosts may be asked: no source may reach into the operator's own network.
//!
//! An address written as digits is judged before the request. A name is judged by what it resolves
//! to, in the resolver that the connection itself uses: between the check and the connect there is
//! no second lookup that could answer differently (DNS rebinding).

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    str::FromStr,
    time::Duration,
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// The longest that a name is looked up.
const LOOKUP: Duration = Duration::from_secs(5);

/// What may be asked beyond public addresses on ports 80 and 443.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Guard {
    /// Networks that may be asked although they are not public, on any port.
    pub allow: Vec<Network>,
    /// Further ports of public hosts.
    pub ports: Vec<u16>,
}

/// Why an address is not asked.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    #[error("refused: only http and https addresses can be asked, not `{0}:`")]
    Scheme(String),
    #[error("refused: the address has no host")]
    NoHost,
    #[error("refused: the address has a user or password in it")]
    Credentials,
    #[error("refused: address {0} is private, allow it with fetch.allow_networks")]
    Private(IpAddr),
    /// RFC 6761, section 6.3: whatever a resolver says, the name means this machine.
    #[error("refused: `{0}` is this machine, allow it with fetch.allow_networks")]
    Localhost(String),
    #[error("refused: port {0} is not 80 or 443, allow it with fetch.ports")]
    Port(u16),
}

impl Guard {
    /// Refuses no network. Public hosts are still asked on their usual ports only.
    pub fn everywhere() -> Self {
        let all = [
            IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        ];
        Guard {
            allow: all.map(|first| Network::new(first, 0)).to_vec(),
            ports: Vec::new(),
        }
    }

    /// Tells whether a request to `url` may begin; called for the first address and each redirect.
    ///
    /// # Errors
    /// A rule that forbids it. A failed lookup is not one: the connection will fail on its own.
    pub async fn admit(&self, url: &Url) -> Result<(), Denied> {
        let Some((name, port)) = self.check(url)? else {
            return Ok(());
        };
        if !self.allow.is_empty()
            && let Ok(addresses) = tokio::net::lookup_host((name, port)).await
            && addresses.map(|at| at.ip()).all(|ip| self.allows(ip))
        {
            return Ok(());
        }
        Err(Denied::Port(port))
    }

    /// Judges what can be seen without a lookup.
    ///
    /// A name on an unusual port is handed back: it may be asked only if all its addresses lie in
    /// an allowed network.
    fn check<'a>(&self, url: &'a Url) -> Result<Option<(&'a str, u16)>, Denied> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Denied::Scheme(url.scheme().to_owned()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Denied::Credentials);
        }
        let port = url.port_or_known_default().unwrap_or(0);
        let usual = matches!(port, 80 | 443) || self.ports.contains(&port);
        let ip = match url.host().ok_or(Denied::NoHost)? {
            Host::Ipv4(ip) => IpAddr::V4(ip),
            Host::Ipv6(ip) => IpAddr::V6(ip),
            Host::Domain(name) if is_localhost(name) => {
                let loopback = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
                return match loopback.into_iter().any(|ip| self.allows(ip)) {
                    true => Ok(None),
                    false => Err(Denied::Localhost(name.to_owned())),
                };
            }
            Host::Domain(_) if usual => return Ok(None),
            Host::Domain(name) => return Ok(Some((name, port))),
        };
        self.judge(ip)?;
        if usual || self.allows(ip) {
            Ok(None)
        } else {
            Err(Denied::Port(port))
        }
    }

    fn judge(&self, ip: IpAddr) -> Result<(), Denied> {
        if is_public(ip) || self.allows(ip) {
            Ok(())
        } else {
            Err(Denied::Private(ip.to_canonical()))
        }
    }

    /// One forbidden address among several refuses the name: a public one beside it proves nothing.
    fn screen(&self, found: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, Denied> {
        found.iter().try_for_each(|at| self.judge(at.ip()))?;
        Ok(found)
    }

    fn allows(&self, ip: IpAddr) -> bool {
        self.allow.iter().any(|network| network.contains(ip))
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.clone();
        Box::pin(async move {
            let lookup = tokio::net::lookup_host((name.as_str(), 0));
            let found = tokio::time::timeout(LOOKUP, lookup)
                .await
                .map_err(|_| SlowLookup)??;
            let screened = guard.screen(found.collect())?;
            Ok(Box::new(screened.into_iter()) as Addrs)
        })
    }
}

#[derive(Debug, thiserror::Error)]
#[error("its name servers did not answer within {} s", LOOKUP.as_secs())]
struct SlowLookup;

fn is_localhost(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    name == "localhost" || name.ends_with(".localhost")
}

/// Tells whether the whole Internet may know this address, by the IANA special-purpose registries.
///
/// Addresses that carry an IPv4 address inside are as public as that one.
pub fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    const SPECIAL: [([u8; 4], u8); 15] = [
        ([0, 0, 0, 0], 8),
        ([10, 0, 0, 0], 8),
        ([100, 64, 0, 0], 10),
        ([127, 0, 0, 0], 8),
        ([169, 254, 0, 0], 16),
        ([172, 16, 0, 0], 12),
        ([192, 0, 0, 0], 24),
        ([192, 0, 2, 0], 24),
        ([192, 88, 99, 0], 24),
        ([192, 168, 0, 0], 16),
        ([198, 18, 0, 0], 15),
        ([198, 51, 100, 0], 24),
        ([203, 0, 113, 0], 24),
        ([224, 0, 0, 0], 4),
        ([240, 0, 0, 0], 4),
    ];
    !SPECIAL
        .iter()
        .any(|&(first, prefix)| Network::new(first.into(), prefix).contains(ip.into()))
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let within = |first: [u16; 8], prefix| Network::new(first.into(), prefix).contains(ip.into());
    let [_, a, b, c, .., y, z] = ip.segments();
    let inner =
        |high: u16, low: u16| is_public_v4(((u32::from(high) << 16) | u32::from(low)).into());

    if let Some(mapped) = ip.to_ipv4_mapped() {
        return is_public_v4(mapped);
    }
    // NAT64 (RFC 6052).
    if within([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96) {
        return inner(y, z);
    }
    // 6to4 (RFC 3056).
    if within([0x2002, 0, 0, 0, 0, 0, 0, 0], 16) {
        return inner(a, b);
    }
    // Teredo (RFC 4380): the server, and the client with its bits inverted.
    if within([0x2001, 0, 0, 0, 0, 0, 0, 0], 32) {
        return inner(b, c) && inner(!y, !z);
    }
    // Global unicast, less the IETF's own assignments and the two documentation blocks.
    within([0x2000, 0, 0, 0, 0, 0, 0, 0], 3)
        && !within([0x2001, 0, 0, 0, 0, 0, 0, 0], 23)
        && !within([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32)
        && !within([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20)
}

/// A range of addresses: `10.0.0.0/8`, `fd00::/8`, or a single one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    first: IpAddr,
    prefix: u8,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a network: write it as 10.0.0.0/8, fd00::/8 or a single address")]
pub struct BadNetwork(String);

impl Network {
    fn new(first: IpAddr, prefix: u8) -> Self {
        Self { first, prefix }
    }

    pub fn parse(text: &str) -> Result<Self, BadNetwork> {
        let bad = || BadNetwork(text.to_owned());
        let (first, prefix) = match text.split_once('/') {
            Some((first, prefix)) => (first, Some(prefix)),
            None => (text, None),
        };
        let first: IpAddr = first.parse().map_err(|_| bad())?;
        let bits = if first.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            Some(prefix) => prefix.parse().map_err(|_| bad())?,
            None => bits,
        };
        if prefix > bits {
            return Err(bad());
        }
        Ok(Self::new(first, prefix))
    }

    /// An IPv4 address mapped into IPv6 counts as the IPv4 address.
    pub fn contains(&self, ip: IpAddr) -> bool {
        match (self.first, ip.to_canonical()) {
            (IpAddr::V4(first), IpAddr::V4(ip)) => {
                let differing = first.to_bits() ^ ip.to_bits();
                differing.leading_zeros() >= u32::from(self.prefix)
            }
            (IpAddr::V6(first), IpAddr::V6(ip)) => {
                let differing = first.to_bits() ^ ip.to_bits();
                differing.leading_zeros() >= u32::from(self.prefix)
            }
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = BadNetwork;

    fn from_str(text: &str) -> Result<Self, BadNetwork> {
        Self::parse(text)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.prefix)
    }
}

#[cfg(test)]
mod tests;
