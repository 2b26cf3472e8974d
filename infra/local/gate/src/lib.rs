//! Decides who may call a server on this machine's loopback address: programs of the user who runs
//! it, and in a browser at most its own page.
//!
//! Loopback is shared. Other users of the machine reach it. Other sites that are open in a browser
//! can send requests here, although they cannot read the answers. A site can also point a name of
//! its own here, and then it can read them. None of these may learn what a tenant sent, or act as
//! the developer.
//!
//! It may not take a caller's word for who it is: the kernel says whose a connection is, and the
//! browser says which page sends a request.

use std::net::SocketAddr;

use hyper::header::{CONTENT_TYPE, HOST, ORIGIN};
use hyper::{HeaderMap, Method};

/// Why a caller is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Another user of this machine is at the other end of the connection.
    #[error("the connection is not one of the user who runs this server")]
    User,
    /// The request is for another name than this machine's.
    #[error("this server does not answer to this host name")]
    Host,
    /// Another site's page sends the request, or leads to it.
    #[error("the request comes from another site")]
    Site,
    /// A page sends the request, and it is not the server's own.
    #[error("the request does not come from the server's own page")]
    Origin,
    /// A page sends the request, and the server has none.
    #[error("a page in a browser may not call this server")]
    Page,
    /// The request has a content type that a form can send.
    #[error("a request must be JSON")]
    NotJson,
}

impl Refused {
    /// A hint for the user.
    #[must_use]
    pub fn cure(self) -> &'static str {
        match self {
            Self::User => "Call it as the user who runs `make up`.",
            Self::Host => {
                "Address it as http://127.0.0.1 or http://localhost, with the port that `make up` prints."
            }
            Self::Site => "Open the server's own page, and do it there.",
            Self::Origin => {
                "Send the header Origin with the address that you ask, or use `studio --local`."
            }
            Self::Page => "Call it from a program of your own.",
            Self::NotJson => "Send content-type: application/json.",
        }
    }
}

/// Whether a connection from `peer` to this server's `address` is answered: only one of the user
/// who runs the server. Reads the kernel's tables, which can take milliseconds.
///
/// # Errors
/// [`Refused::User`].
pub fn admit_connection(peer: SocketAddr, address: SocketAddr) -> Result<(), Refused> {
    match processes::is_connection_of_this_user(peer, address) {
        true => Ok(()),
        false => Err(Refused::User),
    }
}

/// Whether a server without a page answers a request: never one that a page sends.
///
/// # Errors
/// A [`Refused`].
pub fn admit_program(headers: &HeaderMap) -> Result<(), Refused> {
    admit_host(headers)?;
    if headers.contains_key(ORIGIN) || site(headers).is_some_and(|site| site != "none") {
        return Err(Refused::Page);
    }
    Ok(())
}

/// Whether a server with a page answers a request. Another site may have a link to what
/// `is_public`, and to nothing else.
///
/// # Errors
/// A [`Refused`].
pub fn admit_page(method: &Method, headers: &HeaderMap, is_public: bool) -> Result<(), Refused> {
    let host = admit_host(headers)?;
    let is_own = site(headers).is_none_or(|site| ["same-origin", "none"].contains(&site));
    if !is_own && !is_public {
        return Err(Refused::Site);
    }
    let own = format!("http://{host}");
    match headers.get(ORIGIN) {
        Some(origin) if origin.as_bytes() != own.as_bytes() => return Err(Refused::Origin),
        None if method != Method::GET => return Err(Refused::Origin),
        Some(_) | None => {}
    }
    if method != Method::GET && text(headers, CONTENT_TYPE.as_str()) != Some("application/json") {
        return Err(Refused::NotJson);
    }
    Ok(())
}

/// Whether a request is for this machine by one of its own names. Returns the name and the port.
///
/// # Errors
/// [`Refused::Host`].
pub fn admit_host(headers: &HeaderMap) -> Result<&str, Refused> {
    let host = text(headers, HOST.as_str()).ok_or(Refused::Host)?;
    // The port does not matter, because the user may have forwarded another one.
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    if ["127.0.0.1", "localhost"].contains(&name) {
        Ok(host)
    } else {
        Err(Refused::Host)
    }
}

/// Where the page is that sends a request, in the browser's words; `None` if no browser sends it.
fn site(headers: &HeaderMap) -> Option<&str> {
    text(headers, "sec-fetch-site")
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use hyper::header::{HeaderName, HeaderValue};

    use super::*;

    type Headers<'a> = &'a [(&'static str, &'static str)];

    fn map(headers: Headers<'_>) -> HeaderMap {
        headers
            .iter()
            .map(|&(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect()
    }

    /// A request to a server with a page at `/`.
    fn admitted(method: Method, path: &str, headers: Headers<'_>) -> Result<(), Refused> {
        admit_page(&method, &map(headers), path == "/")
    }

    const HERE: (&str, &str) = ("host", "127.0.0.1:4567");
    const JSON: (&str, &str) = ("content-type", "application/json");

    #[test]
    fn the_page_and_its_own_requests_are_answered() {
        let own = ("sec-fetch-site", "same-origin");
        assert_eq!(
            admitted(Method::GET, "/", &[HERE, ("sec-fetch-site", "none")]),
            Ok(())
        );
        assert_eq!(
            admitted(Method::GET, "/live", &[("host", "localhost:9999"), own]),
            Ok(())
        );
        let origin = ("origin", "http://127.0.0.1:4567");
        assert_eq!(
            admitted(Method::POST, "/ask/redrive", &[HERE, own, origin, JSON]),
            Ok(())
        );
        assert_eq!(
            admitted(Method::GET, "/gallery", &[HERE]),
            Ok(()),
            "curl says nothing of sites"
        );
    }

    #[test]
    fn a_link_from_another_site_may_lead_only_to_the_page() {
        for site in ["cross-site", "same-site"] {
            let site = ("sec-fetch-site", site);
            assert_eq!(admitted(Method::GET, "/", &[HERE, site]), Ok(()));
            for path in ["/live", "/gallery", "/ask/list-dead-letters"] {
                assert_eq!(
                    admitted(Method::GET, path, &[HERE, site]),
                    Err(Refused::Site)
                );
            }
        }
    }

    #[test]
    fn a_foreign_host_name_is_refused() {
        for host in [
            "evil.example:4567",
            "127.0.0.1.evil.example",
            "localhost.evil.example:4567",
            "[::1]:4567",
            "",
        ] {
            let headers = [("host", host)];
            assert_eq!(
                admitted(Method::GET, "/", &headers),
                Err(Refused::Host),
                "{host}"
            );
            assert_eq!(admit_program(&map(&headers)), Err(Refused::Host), "{host}");
        }
        assert_eq!(admitted(Method::GET, "/", &[]), Err(Refused::Host));
        assert_eq!(admit_program(&map(&[])), Err(Refused::Host));
    }

    #[test]
    fn a_request_from_another_origin_reads_and_changes_nothing() {
        for origin in [
            "https://evil.example",
            "null",
            "http://127.0.0.1:8080",
            "http://localhost:4567",
            "http://127.0.0.1",
        ] {
            let asked = admitted(
                Method::POST,
                "/ask/redrive",
                &[HERE, ("origin", origin), JSON],
            );
            assert_eq!(asked, Err(Refused::Origin), "{origin}");
            let read = admitted(Method::GET, "/live", &[HERE, ("origin", origin)]);
            assert_eq!(read, Err(Refused::Origin), "{origin}");
        }
        assert_eq!(
            admitted(Method::POST, "/ask/redrive", &[HERE, JSON]),
            Err(Refused::Origin)
        );
    }

    #[test]
    fn content_types_that_a_form_can_send_are_refused() {
        let origin = ("origin", "http://127.0.0.1:4567");
        for content_type in ["text/plain", "application/x-www-form-urlencoded"] {
            let asked = admitted(
                Method::POST,
                "/ask/redrive",
                &[HERE, origin, ("content-type", content_type)],
            );
            assert_eq!(asked, Err(Refused::NotJson));
        }
    }

    #[test]
    fn a_server_without_a_page_answers_programs_and_no_page_at_all() {
        assert_eq!(admit_program(&map(&[HERE])), Ok(()));
        assert_eq!(
            admit_program(&map(&[HERE, ("sec-fetch-site", "none")])),
            Ok(()),
            "an address that the user typed"
        );
        for header in [
            ("origin", "https://evil.example"),
            ("origin", "null"),
            ("origin", "http://127.0.0.1:4567"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
            ("sec-fetch-site", "same-origin"),
        ] {
            assert_eq!(
                admit_program(&map(&[HERE, header])),
                Err(Refused::Page),
                "{header:?}"
            );
        }
    }

    #[test]
    fn a_connection_of_the_same_user_is_admitted_and_an_unknown_one_is_not() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port");
        let address = listener.local_addr().expect("bound");
        let stream = TcpStream::connect(address).expect("a connection");
        let peer = stream.local_addr().expect("bound");
        assert_eq!(admit_connection(peer, address), Ok(()));
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 1));
        assert_eq!(admit_connection(nowhere, address), Err(Refused::User));
    }
}
