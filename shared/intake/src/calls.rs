//! The calls of a batch that are in flight.

use tokio::sync::Semaphore;

/// The most calls to AWS in flight, whatever the number of records. Each needs a connection of its
/// own (AWS speaks HTTP/1.1), and opening another connection costs more than waiting for a free
/// one.
const CALLS_IN_FLIGHT: usize = 32;

/// Lets [`CALLS_IN_FLIGHT`] calls through at a time, in the order in which they come. A batch has
/// one, and every call of its phases to AWS goes through it. (Kafka has one connection for all.)
pub(crate) struct Calls(Semaphore);

impl Calls {
    pub(crate) fn new() -> Self {
        Self(Semaphore::new(CALLS_IN_FLIGHT))
    }

    /// Makes `call` once there is room. It may be several calls, one after another.
    pub(crate) async fn make<T>(&self, call: impl Future<Output = T>) -> T {
        let _room = self.0.acquire().await.expect("it is never closed");
        call.await
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, future::pending, time::Duration};

    use futures::future::join_all;
    use tokio::{runtime, task::yield_now, time::timeout};

    use super::*;

    fn run<T>(future: impl Future<Output = T>) -> T {
        let runtime = runtime::Builder::new_current_thread().enable_time().build();
        runtime.unwrap().block_on(future)
    }

    /// Counts the calls in flight.
    #[derive(Default)]
    struct Fake {
        now: Cell<usize>,
        most: Cell<usize>,
        answered: Cell<usize>,
    }

    impl Fake {
        async fn call(&self) {
            self.now.set(self.now.get() + 1);
            self.most.set(self.most.get().max(self.now.get()));
            yield_now().await;
            self.now.set(self.now.get() - 1);
            self.answered.set(self.answered.get() + 1);
        }
    }

    #[test]
    fn no_more_than_thirty_two_calls_are_in_flight_and_all_are_made() {
        for count in [1, CALLS_IN_FLIGHT, 1000] {
            let (calls, fake) = (Calls::new(), Fake::default());
            run(join_all((0..count).map(|_| calls.make(fake.call()))));
            assert_eq!(fake.answered.get(), count);
            assert_eq!(fake.most.get(), count.min(CALLS_IN_FLIGHT));
        }
    }

    #[test]
    fn a_call_that_is_given_up_gives_its_room_back() {
        let (calls, fake) = (Calls::new(), Fake::default());
        run(async {
            let stuck = (0..CALLS_IN_FLIGHT).map(|_| calls.make(pending::<()>()));
            let given_up = timeout(Duration::from_millis(10), join_all(stuck)).await;
            assert!(given_up.is_err());
            let others = join_all((0..40).map(|_| calls.make(fake.call())));
            timeout(Duration::from_secs(60), others).await.unwrap();
        });
        assert_eq!(fake.answered.get(), 40);
    }
}
