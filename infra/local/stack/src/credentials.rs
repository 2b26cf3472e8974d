//! The credentials of a stack's root, which no other stack has.

use std::fs::File;
use std::io::{self, Read as _};

use aws_credential_types::Credentials;

/// The length of [`ending`]: 128 bits as hexadecimal digits.
const ENDING: usize = 32;

/// New credentials of a root.
///
/// # Errors
/// If the system gives no random bytes.
pub fn fresh() -> io::Result<Credentials> {
    let mut random = [0; 36];
    File::open("/dev/urandom")?.read_exact(&mut random)?;
    let (ending, secret) = random.split_at(ENDING / 2);
    let key = format!("AKIA{}", hexadecimal(ending));
    let secret = hexadecimal(secret);
    Ok(Credentials::new(key, secret, None, None, "local stack"))
}

/// The end of the root's access key, and of every access key that its emulator makes
/// (`infra/local/stack/emulator`). It cannot be guessed.
pub fn ending(root: &Credentials) -> &str {
    let key = root.access_key_id();
    &key[key.len().saturating_sub(ENDING)..]
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_stack_has_other_credentials() {
        let (one, other) = (fresh().expect("random"), fresh().expect("random"));
        assert_ne!(ending(&one), ending(&other));
        assert_ne!(one.secret_access_key(), other.secret_access_key());
        assert_eq!(one.access_key_id(), format!("AKIA{}", ending(&one)));
        assert_eq!(
            (ending(&one).len(), one.secret_access_key().len()),
            (32, 40)
        );
    }
}
