//! The client's address: that of the connection, unless a proxy that the operator trusts says
//! whom it speaks for.

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;

use crate::Settings;

/// Hops of `X-Forwarded-For` that are looked at.
const HOPS_MAX: usize = 32;

/// The client's address. Of the hops that proxies wrote down, the rightmost that is not itself a
/// trusted proxy counts: what stands further left, anybody may have made up.
pub fn client_address(settings: &Settings, peer: SocketAddr, headers: &HeaderMap) -> IpAddr {
    let peer = peer.ip().to_canonical();
    let is_trusted = |address: &IpAddr| {
        settings.trusted_proxies.iter().any(|proxy| proxy.to_canonical() == *address)
    };
    if !is_trusted(&peer) {
        return peer;
    }
    let mut nearest = peer;
    let lines: Vec<&str> =
        headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok()).collect();
    let hops = lines.iter().rev().flat_map(|line| line.rsplit(','));
    for hop in hops.take(HOPS_MAX) {
        let Some(address) = read(hop.trim()) else { break };
        nearest = address;
        if !is_trusted(&address) {
            break;
        }
    }
    nearest
}

/// An address as proxies write it: bare, with a port, in brackets.
fn read(hop: &str) -> Option<IpAddr> {
    let bare = hop.parse::<IpAddr>().ok();
    let with_port = || hop.parse::<SocketAddr>().ok().map(|address| address.ip());
    let in_brackets = || hop.strip_prefix('[')?.strip_suffix(']')?.parse::<IpAddr>().ok();
    bare.or_else(with_port).or_else(in_brackets).map(|address| address.to_canonical())
}

/// What limits count by: an IPv4 address, or the /64 that an IPv6 client has to itself.
pub(super) fn counted(address: IpAddr) -> u128 {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits() & !u128::from(u64::MAX),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn check(peer: &str, trusted: &[&str], forwarded: &[&str], expected: &str) {
        let mut settings = Settings::new("data");
        settings.trusted_proxies =
            trusted.iter().map(|proxy| proxy.parse().expect("an address")).collect();
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append("x-forwarded-for", HeaderValue::from_str(line).expect("a value"));
        }
        let peer = SocketAddr::new(peer.parse().expect("an address"), 5000);
        let found = client_address(&settings, peer, &headers);
        assert_eq!(found.to_string(), expected, "{peer} {forwarded:?}");
    }

    #[test]
    fn nobody_is_believed_by_default() {
        check("203.0.113.9", &[], &["198.51.100.1"], "203.0.113.9");
        check("127.0.0.1", &[], &["198.51.100.1"], "127.0.0.1");
    }

    #[test]
    fn the_rightmost_hop_that_is_not_a_trusted_proxy_counts() {
        let proxies = &["10.0.0.1", "10.0.0.2"];
        check("10.0.0.1", proxies, &["6.6.6.6, 198.51.100.1"], "198.51.100.1");
        check("10.0.0.1", proxies, &["6.6.6.6, 198.51.100.1, 10.0.0.2"], "198.51.100.1");
        check("10.0.0.1", proxies, &["6.6.6.6", "198.51.100.1"], "198.51.100.1");
        check("10.0.0.1", proxies, &["198.51.100.1:443"], "198.51.100.1");
        check("10.0.0.1", proxies, &["[2001:db8::1]:443"], "2001:db8::1");
        check("::ffff:10.0.0.1", proxies, &["198.51.100.1"], "198.51.100.1");
    }

    #[test]
    fn what_is_no_address_ends_the_search() {
        check("10.0.0.1", &["10.0.0.1"], &["6.6.6.6, unknown"], "10.0.0.1");
        check("10.0.0.1", &["10.0.0.1"], &[""], "10.0.0.1");
        check("10.0.0.1", &["10.0.0.1"], &[], "10.0.0.1");
    }

    #[test]
    fn one_ipv6_client_counts_once() {
        let counted = |text: &str| counted(text.parse().expect("an address"));
        assert_eq!(counted("2001:db8:1:2::1"), counted("2001:db8:1:2:ffff::9"));
        assert_ne!(counted("2001:db8:1:2::1"), counted("2001:db8:1:3::1"));
        assert_eq!(counted("192.0.2.1"), counted("::ffff:192.0.2.1"));
        assert_ne!(counted("192.0.2.1"), counted("192.0.2.2"));
    }

    proptest! {
        #[test]
        fn arbitrary_hops_never_panic(line in "\\PC{0,80}") {
            let mut settings = Settings::new("data");
            settings.trusted_proxies = vec![IpAddr::from([10, 0, 0, 1])];
            let mut headers = HeaderMap::new();
            if let Ok(value) = HeaderValue::from_str(&line) {
                headers.append("x-forwarded-for", value);
            }
            client_address(&settings, SocketAddr::from(([10, 0, 0, 1], 1)), &headers);
        }
    }
}
