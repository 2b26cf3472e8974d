//! Decides who may call the console: its own page in a browser on this machine, and clients that
//! are not browsers.
//!
//! Other sites that are open in the same browser can send requests here, although they cannot read
//! the answers. A site can also point a name of its own here, and then it can read them. Neither
//! may learn what a tenant sent, or even redrive it.

use hyper::header::{CONTENT_TYPE, HOST, ORIGIN};
use hyper::{HeaderMap, Method};

use super::page;

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refused {
    #[error("the console is not called by this name")]
    Host,
    #[error("another site asked for this")]
    Site,
    #[error("what asks or changes something comes from the console's own page, and says so")]
    Origin,
    #[error("a question is JSON")]
    NotJson,
}

impl Refused {
    /// A hint for the user.
    pub(super) fn cure(self) -> &'static str {
        match self {
            Self::Host => {
                "Open it as http://127.0.0.1 or http://localhost, with the port that `make up` prints."
            }
            Self::Site => "Open the console's page itself, and do it there.",
            Self::Origin => {
                "Send the header Origin with the address that you ask, or use `studio --local`."
            }
            Self::NotJson => "Send content-type: application/json.",
        }
    }
}

/// Whether a request is answered.
pub(super) fn admit(method: &Method, path: &str, headers: &HeaderMap) -> Result<(), Refused> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let host = text(HOST.as_str()).ok_or(Refused::Host)?;
    // The port does not matter, because the user may have forwarded another one.
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    if !["127.0.0.1", "localhost"].contains(&name) {
        return Err(Refused::Host);
    }
    // A link to the page is harmless, but only the page itself may load the rest.
    let is_own = text("sec-fetch-site").is_none_or(|site| ["same-origin", "none"].contains(&site));
    if !is_own && page::file(path).is_none() {
        return Err(Refused::Site);
    }
    if method != Method::GET {
        if text(ORIGIN.as_str()) != Some(&format!("http://{host}")) {
            return Err(Refused::Origin);
        }
        if text(CONTENT_TYPE.as_str()) != Some("application/json") {
            return Err(Refused::NotJson);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use hyper::header::{HeaderName, HeaderValue};

    use super::*;

    fn admitted(
        method: Method,
        path: &str,
        headers: &[(&'static str, &'static str)],
    ) -> Result<(), Refused> {
        let headers = headers.iter().map(|&(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        });
        admit(&method, path, &headers.collect())
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
            assert_eq!(
                admitted(Method::GET, "/", &[("host", host)]),
                Err(Refused::Host),
                "{host}"
            );
        }
        assert_eq!(admitted(Method::GET, "/", &[]), Err(Refused::Host));
    }

    #[test]
    fn a_request_from_another_origin_changes_nothing() {
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
}
