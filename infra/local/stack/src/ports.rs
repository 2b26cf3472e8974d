//! Free ports of this machine.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU32, Ordering};

/// A port that was free a moment ago, for a server that binds it later and reports if it cannot.
/// Two calls in one process never return the same port. The port is below the range from which
/// Linux takes the ports of outgoing connections, so no outgoing connection takes it.
///
/// # Errors
/// No port of the range is free.
pub fn free_port() -> io::Result<u16> {
    const FIRST: u32 = 20_000;
    const COUNT: u32 = 12_000;
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    // Another process of ours starts at another port.
    let begin = std::process::id().wrapping_mul(101);
    for _ in 0..COUNT {
        let next = begin.wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed)) % COUNT;
        let port = u16::try_from(FIRST + next).map_err(io::Error::other)?;
        if is_free(port) {
            return Ok(port);
        }
    }
    Err(io::Error::new(
        io::ErrorKind::AddrNotAvailable,
        "no port between 20000 and 32000 is free",
    ))
}

/// Whether no process listens on a port.
#[must_use]
pub fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}
