//! A TCP socket on this machine, as the kernel knows it: asked for by its addresses, or looked for
//! in the kernel's table. The table has a row for each socket, so reading it takes milliseconds
//! once thousands of connections were made; the question takes microseconds.

use std::fs;
use std::net::{SocketAddr, SocketAddrV4};

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, recv, send, socket_with,
};

/// The user and the inode of a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Socket {
    pub user: u32,
    pub inode: u32,
}

/// The socket that is bound to `local` and connected to `remote`, if a process has it open.
pub(crate) fn connected(local: SocketAddr, remote: SocketAddr) -> Option<Socket> {
    // The local stack uses only IPv4.
    let (SocketAddr::V4(local), SocketAddr::V4(remote)) = (local, remote) else {
        return None;
    };
    let found = match ask(local, remote) {
        Ok(Some(found)) => Some(found),
        // A kernel without this service has its tables. One that has the service and lacks its part
        // for TCP answers as if there were no such socket.
        Ok(None) | Err(_) => look(|row| row.is_between(local, remote)),
    };
    // A socket that no process has open has no inode, and the kernel then names root as its user.
    found.filter(|socket| socket.inode != 0)
}

/// The socket that listens on `address`.
pub(crate) fn listening(address: SocketAddr) -> Option<Socket> {
    const LISTEN: &str = "0A";
    let SocketAddr::V4(address) = address else {
        return None;
    };
    look(|row| is_at(row.local, address) && row.state == LISTEN)
}

/// Asks the kernel for one socket (`sock_diag(7)`).
fn ask(local: SocketAddrV4, remote: SocketAddrV4) -> Result<Option<Socket>, Errno> {
    let kernel = socket_with(
        AddressFamily::NETLINK,
        SocketType::DGRAM,
        SocketFlags::CLOEXEC,
        Some(netlink::SOCK_DIAG),
    )?;
    send(&kernel, &question(local, remote), SendFlags::empty())?;
    let mut answer = [0; 1024];
    let (length, _) = recv(&kernel, &mut answer, RecvFlags::empty())?;
    read(&answer[..length], local, remote)
}

/// The type of the question, and of an answer with a socket.
const SOCK_DIAG_BY_FAMILY: u16 = 20;
/// The type of an answer with an error.
const NLMSG_ERROR: u16 = 2;
/// The length of the header of a message.
const HEADER: usize = 16;

/// A message with `struct inet_diag_req_v2`, which names one socket.
fn question(local: SocketAddrV4, remote: SocketAddrV4) -> Vec<u8> {
    const NLM_F_REQUEST: u16 = 1;
    const AF_INET: u8 = 2;
    const IPPROTO_TCP: u8 = 6;
    let mut body = vec![AF_INET, IPPROTO_TCP, 0, 0];
    body.extend(u32::MAX.to_ne_bytes()); // in any state
    body.extend(ends(local, remote));
    body.extend([0; 4]); // on any interface
    body.extend([0xff; 8]); // with any cookie
    let length = u32::try_from(HEADER + body.len()).expect("a short message");
    let mut message = Vec::from(length.to_ne_bytes());
    message.extend(SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    message.extend(NLM_F_REQUEST.to_ne_bytes());
    message.extend([0; 8]); // the number of the message, and the kernel's address
    message.extend(body);
    message
}

/// The ends of a connection, as a question and an answer have them.
fn ends(local: SocketAddrV4, remote: SocketAddrV4) -> Vec<u8> {
    let ports = [local, remote].map(|address| address.port().to_be_bytes());
    let place = |address: SocketAddrV4| [address.ip().octets(), [0; 4], [0; 4], [0; 4]].concat();
    [ports.concat(), place(local), place(remote)].concat()
}

/// The socket in an answer, which is `struct inet_diag_msg`. The kernel also answers with a socket
/// that listens on `local`, which is another.
fn read(answer: &[u8], local: SocketAddrV4, remote: SocketAddrV4) -> Result<Option<Socket>, Errno> {
    let number = |at: usize| {
        let bytes = answer
            .get(at..at + 4)
            .and_then(|bytes| bytes.try_into().ok());
        bytes.map(u32::from_ne_bytes).ok_or(Errno::BADMSG)
    };
    let kind = answer.get(4..6).and_then(|bytes| bytes.try_into().ok());
    match kind.map(u16::from_ne_bytes) {
        Some(SOCK_DIAG_BY_FAMILY) => {
            let found = Socket {
                user: number(HEADER + 64)?,
                inode: number(HEADER + 68)?,
            };
            let is_it = answer
                .get(HEADER + 4..)
                .is_some_and(|rest| rest.starts_with(&ends(local, remote)));
            Ok(is_it.then_some(found))
        }
        Some(NLMSG_ERROR) => {
            let code = number(HEADER)?.cast_signed();
            match Errno::from_raw_os_error(-code) {
                Errno::NOENT => Ok(None),
                error => Err(error),
            }
        }
        _ => Err(Errno::BADMSG),
    }
}

/// The first socket in the kernel's tables whose row is `wanted`.
fn look(wanted: impl Fn(&Row<'_>) -> bool) -> Option<Socket> {
    // A program that also speaks IPv6, such as a JVM, has its IPv4 sockets in the second table.
    ["/proc/net/tcp", "/proc/net/tcp6"]
        .into_iter()
        .find_map(|path| find(&fs::read_to_string(path).ok()?, &wanted))
}

fn find(table: &str, wanted: impl Fn(&Row<'_>) -> bool) -> Option<Socket> {
    let row = rows(table).find(wanted)?;
    Some(Socket {
        user: row.user.parse().ok()?,
        inode: row.inode.parse().ok()?,
    })
}

/// A row of the kernel's table of TCP sockets.
struct Row<'a> {
    local: &'a str,
    remote: &'a str,
    state: &'a str,
    user: &'a str,
    inode: &'a str,
}

impl Row<'_> {
    fn is_between(&self, local: SocketAddrV4, remote: SocketAddrV4) -> bool {
        is_at(self.local, local) && is_at(self.remote, remote)
    }
}

fn rows(table: &str) -> impl Iterator<Item = Row<'_>> {
    table.lines().skip(1).filter_map(|row| {
        let mut columns = row.split_ascii_whitespace().skip(1);
        Some(Row {
            local: columns.next()?,
            remote: columns.next()?,
            state: columns.next()?,
            user: columns.nth(3)?,
            inode: columns.nth(1)?,
        })
    })
}

/// Whether `written` is `address` in the format of the kernel's table: the bytes in memory order,
/// then the port. An IPv4 address in IPv6's form has zeros and a mark before it.
fn is_at(written: &str, address: SocketAddrV4) -> bool {
    let ip = u32::from_le_bytes(address.ip().octets());
    let written = written
        .strip_prefix("0000000000000000FFFF0000")
        .unwrap_or(written);
    written == format!("{ip:08X}:{:04X}", address.port())
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener, TcpStream};

    use super::*;

    const NOWHERE: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0);

    fn v4(address: SocketAddr) -> SocketAddrV4 {
        match address {
            SocketAddr::V4(address) => address,
            SocketAddr::V6(_) => panic!("{address}"),
        }
    }

    #[test]
    fn the_kernel_gives_the_same_answer_as_its_table() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port");
        let here = listener.local_addr().expect("bound");
        let stream = TcpStream::connect(here).expect("a connection");
        let (local, remote) = (v4(stream.local_addr().expect("bound")), v4(here));
        // A table that changes while it is read can lack a row.
        let in_table = (0..5).find_map(|_| look(|row| row.is_between(local, remote)));
        let in_table = in_table.expect("a row");
        assert_ne!(in_table.inode, 0);
        let asked = ask(local, remote);
        if let Err(error) = asked {
            println!("NOT compared, because this kernel answers no questions: {error}");
            return;
        }
        assert_eq!(asked, Ok(Some(in_table)));
        // No connection, and at the second one something listens.
        let other = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 1);
        assert_eq!(ask(other, remote), Ok(None));
        assert_eq!(ask(remote, other), Ok(None));
    }

    #[test]
    fn an_error_of_the_kernel_is_no_answer() {
        let mut refusal = vec![0; HEADER + 4];
        refusal[4..6].copy_from_slice(&NLMSG_ERROR.to_ne_bytes());
        refusal[HEADER..].copy_from_slice(&(-13_i32).to_ne_bytes());
        assert_eq!(read(&refusal, NOWHERE, NOWHERE), Err(Errno::ACCESS));
        for short in [0, 5, HEADER] {
            assert_eq!(
                read(&refusal[..short], NOWHERE, NOWHERE),
                Err(Errno::BADMSG)
            );
        }
    }

    #[test]
    fn a_connection_has_the_user_of_its_row_in_either_table() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:11D6 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 10 1
   1: 0100007F:C001 0100007F:11D6 01 00000000:00000000 00:00000000 00000000  1000        0 11 1
   2: 0000000000000000FFFF00000100007F:C002 0000000000000000FFFF00000100007F:11D6 01 00000000:00000000 00:00000000 00000000    33        0 12 1
   3: 0100007F:C003 0100007F:11D6 06 00000000:00000000 03:000012A1 00000000     0        0 0 3
";
        let socket = |port| {
            let end = |port| SocketAddrV4::new(Ipv4Addr::LOCALHOST, port);
            find(table, |row| row.is_between(end(port), end(0x11d6)))
        };
        let of = |user, inode| Some(Socket { user, inode });
        assert_eq!(socket(0xc001), of(1000, 11));
        assert_eq!(socket(0xc002), of(33, 12));
        assert_eq!(socket(0xc003), of(0, 0), "no process has it any more");
        assert_eq!(socket(0xc004), None);
    }
}
