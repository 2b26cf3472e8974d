//! A proxy between the functions and the broker. It passes data on in both directions, hears what
//! the broker acknowledges, and can be slowed down or cut.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kafka_client::{Tap, Tapped};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// The state of the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Condition {
    /// Every piece of data arrives after this delay.
    Open { delay: Duration },
    /// The line is cut: connections end, and new ones end at once.
    Cut,
}

/// A TCP port that forwards to a broker's port. It closes when it is dropped.
#[derive(Debug)]
pub struct Line {
    address: SocketAddr,
    condition: Arc<watch::Sender<Condition>>,
    passed: Passed,
    accepting: JoinHandle<()>,
}

/// What passed, and what did not.
#[derive(Debug, Clone, Default)]
struct Passed {
    tap: Tap,
    /// Connections that a cut ended or refused.
    cut: Arc<AtomicUsize>,
    /// Pieces of data that were delayed.
    delayed: Arc<AtomicUsize>,
}

impl Line {
    /// Opens a line to `target` on a free loopback port.
    pub async fn open(target: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let condition = Arc::new(watch::Sender::new(Condition::Open {
            delay: Duration::ZERO,
        }));
        let passed = Passed::default();
        let accepting = accept(listener, target, Arc::clone(&condition), passed.clone());
        Ok(Self {
            address,
            condition,
            passed,
            accepting: tokio::spawn(accepting),
        })
    }

    /// The line's near end, to which clients connect.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Cuts the line: all connections end, and new ones end at once until it is mended.
    pub fn cut(&self) {
        self.condition.send_replace(Condition::Cut);
    }

    /// Delays every piece of data, in either direction.
    pub fn slow_down(&self, delay: Duration) {
        self.condition.send_replace(Condition::Open { delay });
    }

    /// Restores the line, without a delay.
    pub fn mend(&self) {
        self.slow_down(Duration::ZERO);
    }

    /// What the functions sent to the broker, and what it acknowledged.
    #[must_use]
    pub fn tap(&self) -> &Tap {
        &self.passed.tap
    }

    /// How many connections were ended or refused because the line was cut.
    #[must_use]
    pub fn connections_cut(&self) -> usize {
        self.passed.cut.load(Ordering::Relaxed)
    }

    /// How many pieces of data were delayed because the line was slow.
    #[must_use]
    pub fn pieces_delayed(&self) -> usize {
        self.passed.delayed.load(Ordering::Relaxed)
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(
    listener: TcpListener,
    target: SocketAddr,
    condition: Arc<watch::Sender<Condition>>,
    passed: Passed,
) {
    // The connections are owned here, so that they end with the line.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((near, _)) => {
                    connections.spawn(connect(near, target, condition.subscribe(), passed.clone()));
                }
                // Out of file descriptors, or the peer left: neither ends the line.
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Serves one connection, until either end closes it or the line is cut.
async fn connect(
    near: TcpStream,
    target: SocketAddr,
    mut condition: watch::Receiver<Condition>,
    passed: Passed,
) {
    if *condition.borrow() == Condition::Cut {
        passed.cut.fetch_add(1, Ordering::Relaxed);
        return;
    }
    let Ok(far) = TcpStream::connect(target).await else {
        return;
    };
    let _ = (near.set_nodelay(true), far.set_nodelay(true));
    let (near_in, near_out) = near.into_split();
    let (far_in, far_out) = far.into_split();
    let tapped = Mutex::new(passed.tap.connection());
    let heard = || tapped.lock().unwrap_or_else(PoisonError::into_inner);
    let carrier = || Carrier {
        condition: condition.clone(),
        delayed: Arc::clone(&passed.delayed),
    };
    let (there, back) = (carrier(), carrier());
    tokio::select! {
        _ = there.carry(near_in, far_out, |bytes| Tapped::asks(&mut heard(), bytes)) => {}
        _ = back.carry(far_in, near_out, |bytes| Tapped::answers(&mut heard(), bytes)) => {}
        _ = condition.wait_for(|condition| *condition == Condition::Cut) => {
            passed.cut.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// One direction of a connection.
struct Carrier {
    condition: watch::Receiver<Condition>,
    delayed: Arc<AtomicUsize>,
}

impl Carrier {
    /// Each piece waits for the one before it, so a slow line also has a low throughput. `hear` has
    /// each piece just before the other end has it.
    async fn carry(
        self,
        mut from: impl AsyncReadExt + Unpin,
        mut to: impl AsyncWriteExt + Unpin,
        hear: impl Fn(&[u8]),
    ) -> io::Result<()> {
        let mut piece = vec![0; 64 * 1024];
        loop {
            let length = from.read(&mut piece).await?;
            if length == 0 {
                return Ok(());
            }
            let now = *self.condition.borrow();
            if let Condition::Open { delay } = now
                && !delay.is_zero()
            {
                self.delayed.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(delay).await;
            }
            hear(&piece[..length]);
            to.write_all(&piece[..length]).await?;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    /// An echo server, and a line to it.
    async fn echo() -> Line {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .expect("a port");
        let target = listener.local_addr().expect("bound");
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = stream.split();
                    let _ = tokio::io::copy(&mut from, &mut to).await;
                });
            }
        });
        Line::open(target).await.expect("a port")
    }

    async fn say(stream: &mut TcpStream) -> io::Result<()> {
        stream.write_all(b"hello").await?;
        stream.read_exact(&mut [0; 5]).await?;
        Ok(())
    }

    #[tokio::test]
    async fn a_cut_line_has_no_connections_until_it_is_mended() {
        let line = echo().await;
        let mut stream = TcpStream::connect(line.address())
            .await
            .expect("a connection");
        say(&mut stream).await.expect("an echo");
        line.cut();
        assert!(say(&mut stream).await.is_err());
        let mut during = TcpStream::connect(line.address())
            .await
            .expect("a connection");
        assert!(say(&mut during).await.is_err());
        line.mend();
        let mut after = TcpStream::connect(line.address())
            .await
            .expect("a connection");
        say(&mut after).await.expect("an echo");
        assert_eq!(line.connections_cut(), 2);
    }

    #[tokio::test]
    async fn a_slow_line_delays_each_piece_both_ways() {
        let line = echo().await;
        let mut stream = TcpStream::connect(line.address())
            .await
            .expect("a connection");
        line.slow_down(Duration::from_millis(50));
        let begun = Instant::now();
        say(&mut stream).await.expect("an echo");
        assert!(begun.elapsed() >= Duration::from_millis(100));
        assert_eq!(line.pieces_delayed(), 2);
    }
}
