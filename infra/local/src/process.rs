//! Processes: starts process groups that cannot outlive us, and finds the owner of a connection.

use std::fs::{self, File};
use std::io;
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitOptions};

/// A process that leads a group of its own, with all processes that it starts.
///
/// It always ends with us. `kill` and `Drop` kill the group. If we are killed ourselves, our side
/// of a pipe closes, and a shell that waits for that kills the group and removes its folder.
#[derive(Debug)]
pub struct Group {
    leader: Child,
    watchdog: Child,
}

impl Group {
    /// Starts `command`, whose files are in `folder`. Both of its outputs go to `log`.
    pub fn spawn(mut command: Command, log: &File, folder: &Path) -> io::Result<Self> {
        adopt_orphans();
        let mut leader = command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log.try_clone()?)
            .process_group(0)
            .spawn()?;
        let watchdog = Command::new("/bin/sh")
            .args([
                "-c",
                r#"read -r _; kill -s KILL -- "-$1"; rm -rf -- "$2""#,
                "sh",
                &leader.id().to_string(),
            ])
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn();
        match watchdog {
            Ok(watchdog) => Ok(Self { leader, watchdog }),
            Err(error) => {
                let _ = leader.kill();
                let _ = leader.wait();
                Err(error)
            }
        }
    }

    /// The process id of the leader, which is also the id of the group.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.leader.id()
    }

    /// The leader's exit status, if it has ended.
    pub fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.leader.try_wait()
    }

    /// Kills the whole group at once (`kill -9`), and waits until all its processes have ended.
    pub fn kill(&mut self) {
        // The watchdog goes first: otherwise it might fire later, when another group has this id.
        let _ = self.watchdog.kill();
        let _ = self.watchdog.wait();
        if let Some(group) = pid(self.leader.id()) {
            let _ = rustix::process::kill_process_group(group, Signal::KILL);
            let _ = self.leader.wait();
            // A killed process takes a moment to end, and we must reap what the leader left behind.
            let deadline = Instant::now() + Duration::from_secs(2);
            loop {
                while matches!(
                    rustix::process::waitpgid(group, WaitOptions::NOHANG),
                    Ok(Some(_))
                ) {}
                if members(self.leader.id()).is_empty() || Instant::now() > deadline {
                    break;
                }
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Makes us the parent of orphaned descendants, because not every system has another process that
/// reaps them.
fn adopt_orphans() {
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
}

/// Asks one process to end (SIGTERM). Does nothing if it has already ended.
pub(crate) fn terminate(process_id: u32) {
    if let Some(pid) = pid(process_id) {
        let _ = rustix::process::kill_process(pid, Signal::TERM);
    }
}

/// Kills one process (`kill -9`). Returns `false` if it did not exist.
#[must_use]
pub fn kill(process_id: u32) -> bool {
    pid(process_id).is_some_and(|pid| rustix::process::kill_process(pid, Signal::KILL).is_ok())
}

fn pid(process_id: u32) -> Option<Pid> {
    i32::try_from(process_id).ok().and_then(Pid::from_raw)
}

/// The process at the other end of a TCP connection on this machine. Its socket is bound to `local`
/// and connected to `remote`, from its own point of view. The processes in `likely` are checked
/// first, because a search through all processes' descriptors takes milliseconds.
#[must_use]
pub fn owner_of_connection(local: SocketAddr, remote: SocketAddr, likely: &[u32]) -> Option<u32> {
    let (local, remote) = (hex(local), hex(remote));
    owner_of_socket(likely, |row_local, row_remote, _| {
        row_local == local && row_remote == remote
    })
}

/// The process that listens on an address of this machine.
#[must_use]
pub fn owner_of_listener(address: SocketAddr) -> Option<u32> {
    const LISTEN: &str = "0A";
    let address = hex(address);
    owner_of_socket(&[], |row_local, _, state| {
        row_local == address && state == LISTEN
    })
}

/// The name of the Lambda function that a process runs, if it runs one.
#[must_use]
pub fn function_of(process_id: u32) -> Option<String> {
    let environment = fs::read(format!("/proc/{process_id}/environ")).ok()?;
    let name = environment
        .split(|byte| *byte == 0)
        .find_map(|entry| entry.strip_prefix(b"AWS_LAMBDA_FUNCTION_NAME="))?;
    String::from_utf8(name.to_vec()).ok()
}

/// The largest resident set that a process ever had, in bytes (`VmHWM`).
#[must_use]
pub fn peak_resident_bytes(process_id: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process_id}/status")).ok()?;
    let kibibytes = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?
        .trim()
        .strip_suffix(" kB")?;
    kibibytes
        .trim()
        .parse::<u64>()
        .ok()
        .map(|kibibytes| kibibytes * 1024)
}

/// The processes of a group, including dead ones that have not been reaped.
#[must_use]
pub fn members(group: u32) -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let is_member = |process_id: &u32| {
        let stat = fs::read_to_string(format!("/proc/{process_id}/stat")).unwrap_or_default();
        // The name is in parentheses and may contain anything. After the last parenthesis follow
        // state, parent and group.
        let fields: Vec<&str> = stat
            .rsplit(')')
            .next()
            .unwrap_or_default()
            .split_ascii_whitespace()
            .collect();
        fields.get(2).and_then(|found| found.parse().ok()) == Some(group)
    };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(is_member)
        .collect()
}

/// The process that owns the wanted socket. Linux's table of TCP sockets gives the socket's inode,
/// and the owner has that inode open.
fn owner_of_socket(likely: &[u32], wanted: impl Fn(&str, &str, &str) -> bool) -> Option<u32> {
    let table = fs::read_to_string("/proc/net/tcp").ok()?;
    let inode = table.lines().skip(1).find_map(|row| {
        let mut columns = row.split_ascii_whitespace().skip(1);
        let (local, remote, state, inode) = (
            columns.next()?,
            columns.next()?,
            columns.next()?,
            columns.nth(5)?,
        );
        wanted(local, remote, state).then(|| inode.to_owned())
    })?;
    let link = format!("socket:[{inode}]");
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

/// An IPv4 address in the format of the kernel's table: the bytes in memory order, then the port.
fn hex(address: SocketAddr) -> String {
    match address {
        SocketAddr::V4(address) => format!(
            "{:08X}:{:04X}",
            u32::from_le_bytes(address.ip().octets()),
            address.port()
        ),
        SocketAddr::V6(_) => String::new(), // the local stack uses only IPv4
    }
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
    }

    /// A shell with a child of its own, and the child's process id.
    fn shell_with_a_child(folder: &Path) -> (Group, u32) {
        let log = File::create(folder.join("log")).expect("a log");
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "sleep 60 & echo $!; wait"]);
        let group = Group::spawn(command, &log, folder).expect("a shell");
        loop {
            let written = fs::read_to_string(folder.join("log")).expect("readable");
            if let Ok(child) = written.trim().parse() {
                return (group, child);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn killing_a_group_ends_its_grandchildren_too() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (mut group, child) = shell_with_a_child(folder.path());
        assert!(members(group.id()).contains(&child));
        group.kill();
        assert!(members(group.id()).is_empty());
        assert!(folder.path().exists());
    }

    #[test]
    fn a_group_and_its_folder_end_when_we_are_killed() {
        let folder = tempfile::tempdir().expect("a temporary folder").keep();
        let (mut group, _) = shell_with_a_child(&folder);
        // The kernel would close our side of the pipe if we died; here the test closes it.
        drop(group.watchdog.stdin.take());
        let ended = group.leader.wait().expect("our child");
        assert_eq!(
            std::os::unix::process::ExitStatusExt::signal(&ended),
            Some(9)
        );
        let _ = group.watchdog.wait();
        assert!(!folder.exists());
    }
}
