//! Which calls are forwarded: those of this machine's own programs that carry an access key of the
//! stack.

use std::fmt;

use hyper::Method;
use hyper::header::AUTHORIZATION;
use hyper::http::request::Parts;
use local_gate::Refused;

/// What a call must carry to be forwarded.
#[derive(Clone)]
pub struct Admission {
    /// The end of every access key of the stack. It cannot be guessed. Whether a key is the right
    /// one, and its signature, is for the target to check.
    pub key_ending: String,
    /// The beginning of the paths to which a PUT needs no key, because they cannot be guessed
    /// either. On AWS these are presigned URLs.
    pub secret_paths: &'static str,
}

/// Why a call is not forwarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Denied {
    #[error(transparent)]
    Gate(#[from] Refused),
    #[error("the call carries no access key of this stack; `make up` writes one to target/up.env")]
    Key,
}

impl Admission {
    pub(super) fn admits(&self, head: &Parts) -> Result<(), Denied> {
        local_gate::admit_program(&head.headers)?;
        let is_secret =
            head.method == Method::PUT && head.uri.path().starts_with(self.secret_paths);
        if is_secret || access_key(head).is_some_and(|key| self.is_ours(key)) {
            Ok(())
        } else {
            Err(Denied::Key)
        }
    }

    fn is_ours(&self, key: &str) -> bool {
        let (key, ending) = (key.as_bytes(), self.key_ending.as_bytes());
        let Some(begin) = key.len().checked_sub(ending.len()) else {
            return false;
        };
        // All bytes are compared, so that the time does not tell how many of them are right.
        let pairs = key[begin..].iter().zip(ending);
        pairs.fold(0, |differences, (one, other)| differences | (one ^ other)) == 0
    }
}

impl fmt::Debug for Admission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admission").finish_non_exhaustive()
    }
}

/// The access key of a signature: in the header, or in the query of a presigned URL.
fn access_key(head: &Parts) -> Option<&str> {
    let header = head.headers.get(AUTHORIZATION);
    let scope = match header {
        Some(header) => header.to_str().ok()?.split_once("Credential=")?.1,
        None => head
            .uri
            .query()?
            .split('&')
            .find_map(|pair| pair.strip_prefix("X-Amz-Credential="))?,
    };
    // A slash follows, which a query may have escaped.
    scope.split(['/', '%']).next()
}

#[cfg(test)]
mod tests {
    use hyper::Request;
    use hyper::header::HOST;

    use super::*;

    fn admission() -> Admission {
        Admission {
            key_ending: "0123456789ABCDEF".to_owned(),
            secret_paths: "/secret/",
        }
    }

    fn admitted(
        method: &str,
        target: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<(), Denied> {
        let mut request = Request::builder()
            .method(method)
            .uri(target)
            .header(HOST, "127.0.0.1:4566");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        admission().admits(&request.body(()).expect("a request").into_parts().0)
    }

    fn signed(key: &str) -> String {
        format!(
            "AWS4-HMAC-SHA256 Credential={key}/20260228/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0"
        )
    }

    #[test]
    fn only_an_access_key_of_the_stack_is_admitted() {
        for (key, expected) in [
            ("AKIA0123456789ABCDEF", Ok(())),
            ("ASIAROLE0123456789ABCDEF", Ok(())),
            ("test", Err(Denied::Key)),
            ("", Err(Denied::Key)),
            ("000000000000", Err(Denied::Key)),
            ("AKIA0123456789ABCDEE", Err(Denied::Key)),
            ("AKIA1123456789ABCDEF", Err(Denied::Key)),
            ("123456789ABCDEF", Err(Denied::Key)),
            ("AKIA0123456789ABCDEFtest", Err(Denied::Key)),
        ] {
            let signature = signed(key);
            let header = [("authorization", signature.as_str())];
            assert_eq!(admitted("GET", "/", &header), expected, "{key}");
            for slash in ["/", "%2F"] {
                let query = format!("/b/k?X-Amz-Credential={key}{slash}20260228{slash}us-east-1");
                assert_eq!(admitted("GET", &query, &[]), expected, "{query}");
            }
        }
        assert_eq!(admitted("GET", "/", &[]), Err(Denied::Key));
        assert_eq!(
            admitted(
                "GET",
                "/",
                &[("authorization", "Basic AKIA0123456789ABCDEF")]
            ),
            Err(Denied::Key)
        );
    }

    #[test]
    fn a_header_with_a_foreign_key_is_not_saved_by_the_query() {
        let query = "/?X-Amz-Credential=AKIA0123456789ABCDEF/20260228";
        let signature = signed("test");
        let header = [("authorization", signature.as_str())];
        assert_eq!(admitted("GET", query, &header), Err(Denied::Key));
    }

    #[test]
    fn a_page_is_refused_even_with_the_right_key() {
        let key = signed("AKIA0123456789ABCDEF");
        for header in [
            ("origin", "https://evil.example"),
            ("sec-fetch-site", "cross-site"),
        ] {
            let headers = [("authorization", &*key), header];
            assert_eq!(
                admitted("GET", "/", &headers),
                Err(Denied::Gate(Refused::Page))
            );
        }
    }

    #[test]
    fn a_secret_path_takes_a_put_without_a_key() {
        assert_eq!(admitted("PUT", "/secret/token", &[]), Ok(()));
        assert_eq!(admitted("GET", "/secret/token", &[]), Err(Denied::Key));
        assert_eq!(admitted("PUT", "/bucket/secret/", &[]), Err(Denied::Key));
        assert_eq!(
            admitted("PUT", "/secret/token", &[("origin", "null")]),
            Err(Denied::Gate(Refused::Page))
        );
    }

    #[test]
    fn the_key_is_not_in_the_debug_output() {
        assert!(!format!("{:?}", admission()).contains("0123456789"));
    }
}
