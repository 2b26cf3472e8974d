//! Where a webhook may be: a server of the public internet, and no other. An operator writes the
//! addresses, but the names in them are resolved by servers of others, which may name an address
//! within the VPC, or of this machine's own services.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use runtime::optional;
use tokio::net::lookup_host;
use url::{Host, Url};

/// To which servers the function sends webhooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Destinations {
    /// Those of the public internet, over HTTPS.
    Public,
    /// And those of this machine.
    PublicAndLoopback,
}

impl Destinations {
    /// `WEBHOOKS_TO_LOOPBACK`, which only the local stack and tests set to `true`. The template does
    /// not have it.
    pub(crate) fn from_env() -> Self {
        match optional("WEBHOOKS_TO_LOOPBACK").as_str() {
            "true" => Self::PublicAndLoopback,
            _ => Self::Public,
        }
    }

    /// Whether a request may go to `address`.
    fn include(self, address: IpAddr) -> bool {
        is_public(address) || self == Self::PublicAndLoopback && address.is_loopback()
    }
}

/// An address that a webhook may have. A path may hold a secret of the team's, so no log shows it
/// and it has no `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct WebhookUrl(Url);

/// A text is no address of a webhook. Only the host is named.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UrlError {
    #[error("`url` is no URL with a host")]
    NoUrl,
    #[error(
        "`url` has the host {0}: it is to be https:// and a name, on HTTPS's own port and without a user's name"
    )]
    NotPublic(String),
}

impl WebhookUrl {
    /// Parses the address of a webhook.
    pub(crate) fn parse(text: &str, to: Destinations) -> Result<Self, UrlError> {
        let url = Url::parse(text).map_err(|_| UrlError::NoUrl)?;
        let host = url.host().ok_or(UrlError::NoUrl)?;
        let has_no_user = url.username().is_empty() && url.password().is_none();
        // The port is `None` where it is the scheme's own. An address instead of a name would pass
        // by the resolver.
        let is_name = matches!(host, Host::Domain(_));
        let is_public = url.scheme() == "https" && url.port().is_none() && is_name;
        let is_here = to == Destinations::PublicAndLoopback
            && url.scheme() == "http"
            && matches!(host, Host::Ipv4(address) if address.is_loopback());
        match has_no_user && (is_public || is_here) {
            true => Ok(Self(url)),
            false => Err(UrlError::NotPublic(host.to_string())),
        }
    }

    /// The URL.
    pub(crate) fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The host.
    pub(crate) fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }
}

/// Resolves names to the addresses that a request may go to. The connection goes to one of them, so
/// a name whose address changes after the look gains nothing.
pub(crate) struct Resolver(Destinations);

/// A name has no address that a request may go to.
#[derive(Debug, thiserror::Error)]
#[error("{0} has no public address")]
struct NoPublicAddress(String);

impl Resolver {
    /// A resolver to those destinations.
    pub(crate) fn new(destinations: Destinations) -> Arc<Self> {
        Arc::new(Self(destinations))
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let destinations = self.0;
        Box::pin(async move {
            // The port of the URL takes the place of this one.
            let found = lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = found
                .filter(|address| destinations.include(address.ip()))
                .collect();
            if public.is_empty() {
                return Err(NoPublicAddress(name.as_str().to_owned()).into());
            }
            let public: Addrs = Box::new(public.into_iter());
            Ok(public)
        })
    }
}

/// Whether an address is one of the public internet. Sources: IANA's special-purpose address
/// registries, <https://www.iana.org/assignments/iana-ipv4-special-registry> and
/// <https://www.iana.org/assignments/iana-ipv6-special-registry>.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let is_special = match (a, b, c) {
        // This network, carriers' own addresses, protocol assignments, the former relays of 6to4,
        // benchmarks, and all that is reserved.
        (0 | 240..=255, _, _)
        | (100, 64..=127, _)
        | (192, 0, 0)
        | (192, 88, 99)
        | (198, 18 | 19, _) => true,
        _ => {
            address.is_private()
                || address.is_loopback()
                || address.is_link_local()
                || address.is_documentation()
                || address.is_multicast()
        }
    };
    !is_special
}

/// Only 2000::/3 is assigned to the public. Of it, what carries other addresses is left out: the
/// protocols' own block with Teredo (2001::/23), 6to4 (2002::/16); and the documentation's blocks.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    let is_global = a & 0xe000 == 0x2000;
    let is_special = match a {
        0x2001 => b < 0x0200 || b == 0x0db8,
        0x2002 => true,
        0x3fff => b < 0x1000,
        _ => false,
    };
    is_global && !is_special
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_public_internet_are_public() {
        for address in [
            "8.8.8.8",
            "52.95.110.1",
            "100.63.255.255",
            "100.128.0.0",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "198.17.255.255",
            "223.255.255.254",
            "2600:1f18::1",
            "2001:4860:4860::8888",
            "2a00:1450::1",
        ] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
        for address in [
            "0.0.0.0",
            "10.0.0.1",
            "100.64.0.1",
            "127.0.0.1",
            "127.8.8.8",
            // The metadata of an instance, and of a container.
            "169.254.169.254",
            "169.254.170.2",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.51.100.7",
            "203.0.113.7",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            // An IPv4 address within one of IPv6, in five ways.
            "::ffff:10.0.0.1",
            "::10.0.0.1",
            "64:ff9b::a00:1",
            "2002:a00:1::",
            "2001:0:a00:1::",
            "fc00::1",
            // The metadata of an instance.
            "fd00:ec2::254",
            "fe80::1",
            "ff02::1",
            "2001:db8::1",
            "3fff::1",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn a_webhook_is_a_name_over_https_on_its_own_port() {
        let parse = |text| WebhookUrl::parse(text, Destinations::Public).map(|url| url.0);
        let url = parse("https://hooks.example.com/services/T0/secret").unwrap();
        assert_eq!(url.path(), "/services/T0/secret");
        for (text, host) in [
            ("http://hooks.example.com/", "hooks.example.com"),
            ("https://hooks.example.com:8443/", "hooks.example.com"),
            ("https://user@hooks.example.com/", "hooks.example.com"),
            ("https://:word@hooks.example.com/", "hooks.example.com"),
            ("ftp://hooks.example.com/", "hooks.example.com"),
            ("https://127.0.0.1/", "127.0.0.1"),
            ("http://127.0.0.1:9000/", "127.0.0.1"),
            // The same address, written otherwise.
            ("https://2130706433/", "127.0.0.1"),
            ("https://0x7f.1/", "127.0.0.1"),
            ("https://8.8.8.8/", "8.8.8.8"),
            ("https://[::1]/", "[::1]"),
            ("https://[2600:1f18::1]/", "[2600:1f18::1]"),
        ] {
            let refused = UrlError::NotPublic(host.to_owned());
            assert_eq!(parse(text).unwrap_err(), refused, "{text}");
        }
        for text in ["", "hooks.example.com", "mailto:ops@example.com"] {
            assert_eq!(parse(text).unwrap_err(), UrlError::NoUrl, "{text}");
        }
    }

    #[test]
    fn an_error_names_the_host_and_no_path() {
        let refused = WebhookUrl::parse("http://h.example/T0/secret", Destinations::Public);
        let said = refused.err().unwrap().to_string();
        assert!(said.contains("h.example"), "{said}");
        assert!(!said.contains("secret"), "{said}");
    }

    #[test]
    fn only_the_local_stack_has_webhooks_on_loopback() {
        let text = "http://127.0.0.1:9000/hook";
        assert!(WebhookUrl::parse(text, Destinations::PublicAndLoopback).is_ok());
        for other in ["http://10.0.0.1/", "http://h.example/", "https://10.0.0.1/"] {
            let parsed = WebhookUrl::parse(other, Destinations::PublicAndLoopback);
            assert!(parsed.is_err(), "{other}");
        }
    }

    #[tokio::test]
    async fn a_name_is_not_resolved_to_this_machine() {
        let resolve = async |to| {
            let name = "localhost".parse().unwrap();
            let found = Resolver(to).resolve(name).await;
            found
                .map(Iterator::count)
                .map_err(|error| error.to_string())
        };
        let refused = resolve(Destinations::Public).await;
        assert_eq!(refused, Err("localhost has no public address".to_owned()));
        assert!(resolve(Destinations::PublicAndLoopback).await.unwrap() > 0);
    }
}
