//! The signature of a webhook's request, as Standard Webhooks defines it, so that a team checks it
//! with that project's libraries. Source:
//! <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// What a secret begins with.
const PREFIX: &str = "whsec_";

/// How many bytes a secret may have, by the specification.
const BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// A secret that a team shares with the studio. It has no `Debug`, so that no log shows it.
#[derive(Clone)]
pub(crate) struct SigningKey(Hmac<Sha256>);

/// A text is no secret that can sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a secret is `{PREFIX}` and 24 to 64 bytes in Base64")]
pub(crate) struct NoSecret;

impl SigningKey {
    /// Reads a secret.
    pub(crate) fn parse(text: &str) -> Result<Self, NoSecret> {
        let base64 = text.strip_prefix(PREFIX).ok_or(NoSecret)?;
        let secret = base64_simd::STANDARD
            .decode_to_vec(base64)
            .map_err(|_| NoSecret)?;
        if !BYTES.contains(&secret.len()) {
            return Err(NoSecret);
        }
        let keyed = Hmac::<Sha256>::new_from_slice(&secret).map_err(|_| NoSecret)?;
        Ok(Self(keyed))
    }

    /// The signature of the request with this `id`, sent at `seconds` since 1970.
    fn sign(&self, id: &str, seconds: i64, body: &str) -> String {
        let mut keyed = self.0.clone();
        keyed.update(format!("{id}.{seconds}.{body}").as_bytes());
        let digest = keyed.finalize().into_bytes();
        format!("v1,{}", base64_simd::STANDARD.encode_to_string(digest))
    }
}

/// The header `webhook-signature`: a signature by each of `keys`. While a team changes its secret,
/// there are two.
pub(crate) fn signatures(keys: &[SigningKey], id: &str, seconds: i64, body: &str) -> String {
    let signed = keys.iter().map(|key| key.sign(id, seconds, body));
    signed.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's libraries (`test_sign_function` of
    /// libraries/python/tests/test_webhooks.py).
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const BODY: &str = r#"{"test": 2432232314}"#;
    const SIGNED: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    fn key(secret: &str) -> SigningKey {
        SigningKey::parse(secret).unwrap_or_else(|error| panic!("{secret}: {error}"))
    }

    #[test]
    fn a_request_is_signed_as_the_specifications_libraries_sign_it() {
        let signed = signatures(&[key(SECRET)], ID, 1_614_265_330, BODY);
        assert_eq!(signed, SIGNED);
    }

    #[test]
    fn id_time_body_and_secret_are_each_signed() {
        let sign = |secret, id, seconds, body| signatures(&[key(secret)], id, seconds, body);
        let other = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        for changed in [
            sign(other, ID, 1_614_265_330, BODY),
            sign(SECRET, "msg_other", 1_614_265_330, BODY),
            sign(SECRET, ID, 1_614_265_331, BODY),
            sign(SECRET, ID, 1_614_265_330, "{}"),
        ] {
            assert_ne!(changed, SIGNED);
        }
    }

    #[test]
    fn two_secrets_give_two_signatures() {
        let other = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        let both = signatures(&[key(other), key(SECRET)], ID, 1_614_265_330, BODY);
        let each: Vec<&str> = both.split(' ').collect();
        assert_eq!((each.len(), each[1]), (2, SIGNED));
        assert_ne!(each[0], SIGNED);
    }

    #[test]
    fn what_is_no_secret_of_24_to_64_bytes_signs_nothing() {
        let of_bytes = |count: usize| {
            let base64 = base64_simd::STANDARD.encode_to_string(vec![7; count]);
            SigningKey::parse(&format!("{PREFIX}{base64}")).is_ok()
        };
        let fit = [23, 24, 64, 65].map(of_bytes);
        assert_eq!(fit, [false, true, true, false]);
        for text in [
            "",
            "whsec_",
            "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "whsec_no base64 no base64 no base64",
        ] {
            assert_eq!(SigningKey::parse(text).err(), Some(NoSecret), "{text}");
        }
    }
}
