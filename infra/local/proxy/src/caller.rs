//! The caller: the process at the other end of a connection, and the function that it runs.

use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;

/// The process at the other end of a connection.
#[derive(Debug, Clone, Default)]
pub(super) struct Caller {
    pub process_id: Option<u32>,
    pub function: Option<Arc<str>>,
}

impl Caller {
    pub(super) fn of_connection(peer: SocketAddr, address: SocketAddr, likely: &[u32]) -> Self {
        let process_id = processes::owner_of_connection(peer, address, likely);
        Self {
            process_id,
            function: process_id.and_then(function_of).map(Arc::from),
        }
    }
}

/// The name of the Lambda function that a process runs, if it runs one.
#[must_use]
pub(super) fn function_of(process_id: u32) -> Option<String> {
    let environment = fs::read(format!("/proc/{process_id}/environ")).ok()?;
    let name = environment
        .split(|byte| *byte == 0)
        .find_map(|entry| entry.strip_prefix(b"AWS_LAMBDA_FUNCTION_NAME="))?;
    String::from_utf8(name.to_vec()).ok()
}
