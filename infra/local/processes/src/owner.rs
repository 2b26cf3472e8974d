//! The owners of sockets: the processes that have them open, and the user.

use std::fs;
use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

use crate::socket::{Socket, connected, listening};

/// The process at the other end of a TCP connection on this machine. Its socket is bound to `local`
/// and connected to `remote`, from its own point of view. The processes in `likely` are checked
/// first, because a search through all processes' descriptors takes milliseconds.
#[must_use]
pub fn owner_of_connection(local: SocketAddr, remote: SocketAddr, likely: &[u32]) -> Option<u32> {
    owner_of(connected(local, remote)?, likely)
}

/// The process that listens on an address of this machine.
#[must_use]
pub fn owner_of_listener(address: SocketAddr) -> Option<u32> {
    owner_of(listening(address)?, &[])
}

/// Whether the other end of a TCP connection on this machine belongs to the user of this process.
/// Its socket is bound to `local` and connected to `remote`, from its own point of view.
#[must_use]
pub fn is_connection_of_this_user(local: SocketAddr, remote: SocketAddr) -> bool {
    // A table that changes while it is read can lack a row.
    const LOOKS: usize = 5;
    let look = |number: usize| {
        if number > 0 {
            thread::sleep(Duration::from_millis(10));
        }
        connected(local, remote)
    };
    let user = rustix::process::geteuid().as_raw();
    (0..LOOKS)
        .find_map(look)
        .is_some_and(|socket| socket.user == user)
}

/// The process that has a socket open.
fn owner_of(socket: Socket, likely: &[u32]) -> Option<u32> {
    let link = format!("socket:[{}]", socket.inode);
    let has_it = |process_id: &u32| {
        let mut descriptors = fs::read_dir(format!("/proc/{process_id}/fd"))
            .into_iter()
            .flatten()
            .flatten();
        descriptors.any(|descriptor| {
            fs::read_link(descriptor.path()).is_ok_and(|target| target.as_os_str() == link.as_str())
        })
    };
    if let Some(likely) = likely.iter().copied().find(has_it) {
        return Some(likely);
    }
    let entries = fs::read_dir("/proc").ok()?.flatten();
    let mut processes: Vec<u32> = entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect();
    // A process that has just connected is usually a new one.
    processes.sort_unstable_by(|one, other| other.cmp(one));
    processes.into_iter().find(has_it)
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn the_owner_of_a_connection_and_of_a_listener_is_found() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port");
        let stream =
            TcpStream::connect(listener.local_addr().expect("bound")).expect("a connection");
        let (local, remote) = (
            stream.local_addr().expect("bound"),
            stream.peer_addr().expect("connected"),
        );
        assert_eq!(
            owner_of_connection(local, remote, &[]),
            Some(std::process::id())
        );
        assert_eq!(owner_of_listener(remote), Some(std::process::id()));
        assert!(is_connection_of_this_user(local, remote));
        drop(stream);
        assert!(
            !is_connection_of_this_user(local, remote),
            "its process has closed it"
        );
    }
}
