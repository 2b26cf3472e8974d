//! The queue: the messages that wait in it, and those that went to the dead-letter queue. A message
//! that an invocation has in hand is not here.

use crate::place::Place;

/// A message, by the jobs that it names: bit 0 is the first job, bit 1 the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Message(u8);

impl Message {
    /// Every message that there may be.
    pub(crate) const ALL: [Self; 3] = [Self(1), Self(2), Self(3)];

    /// The message of one job.
    pub(crate) fn of(job: Place) -> Self {
        Self(1 << job)
    }

    /// The message of these jobs; `None` if there are none.
    pub(crate) fn of_all(jobs: impl Iterator<Item = Place>) -> Option<Self> {
        let names = jobs.fold(0, |names, job| names | (1 << job));
        (names != 0).then_some(Self(names))
    }

    pub(crate) fn names(self, job: Place) -> bool {
        self.0 & (1 << job) != 0
    }

    /// The jobs that it names.
    pub(crate) fn jobs(self) -> impl Iterator<Item = Place> {
        [0, 1].into_iter().filter(move |&job| self.names(job))
    }

    fn index(self) -> usize {
        usize::from(self.0) - 1
    }

    /// Its jobs, as a trace names them.
    pub(crate) fn told(self) -> &'static str {
        ["the first job", "the second job", "both jobs"][self.index()]
    }
}

/// The most messages of one kind that wait: a third would be handled like the second.
const MOST_ALIKE: u8 = 2;

/// The queue and its dead-letter queue. Places are those of [`Message::ALL`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) struct Queue {
    waiting: [u8; 3],
    dead: [bool; 3],
    sent: [bool; 3],
    /// Whether one of them was lost, or what it started was.
    lost: [bool; 3],
}

impl Queue {
    pub(crate) fn send(&mut self, message: Message) {
        self.sent[message.index()] = true;
        self.come_back(message);
    }

    /// A message is there once more.
    pub(crate) fn come_back(&mut self, message: Message) {
        let waiting = &mut self.waiting[message.index()];
        *waiting = MOST_ALIKE.min(*waiting + 1);
    }

    /// A message is received, or lost.
    pub(crate) fn take(&mut self, message: Message) {
        self.waiting[message.index()] -= 1;
    }

    pub(crate) fn bury(&mut self, message: Message) {
        self.dead[message.index()] = true;
    }

    pub(crate) fn dig_up(&mut self, message: Message) {
        self.dead[message.index()] = false;
    }

    pub(crate) fn waits(&self, message: Message) -> bool {
        self.waiting[message.index()] > 0
    }

    pub(crate) fn is_full_of(&self, message: Message) -> bool {
        self.waiting[message.index()] == MOST_ALIKE
    }

    pub(crate) fn is_dead(&self, message: Message) -> bool {
        self.dead[message.index()]
    }

    pub(crate) fn was_sent(&self, message: Message) -> bool {
        self.sent[message.index()]
    }

    /// Whether a message about `job` waits in one of the two queues.
    pub(crate) fn holds(&self, job: Place) -> bool {
        let mut about = Message::ALL.into_iter().filter(|one| one.names(job));
        about.any(|one| self.waits(one) || self.is_dead(one))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting == [0; 3] && self.dead == [false; 3]
    }

    /// From now on nothing has to say that `job` was announced.
    pub(crate) fn forget(&mut self, job: Place) {
        for message in Message::ALL {
            self.lost[message.index()] |= message.names(job);
        }
    }

    /// Whether a message about `job` was sent, and none was lost.
    pub(crate) fn announced(&self, job: Place) -> bool {
        let about = |message: &Message| message.names(job);
        let sent = |message: Message| self.sent[message.index()];
        let lost = |message: Message| self.lost[message.index()];
        Message::ALL.into_iter().filter(about).any(sent)
            && !Message::ALL.into_iter().filter(about).any(lost)
    }
}
