//! Simulates waiting predictions on a virtual clock: how many requests they cost, and how late their ends are noticed.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
    time::Duration,
};

use super::{
    super::pause::Hints,
    budget::Allowance,
    entry::{Known, Listed, Place},
    pages::{ArrivedPage, PageRequest},
    schedule::{Schedule, Step},
};

pub(super) const LATENCY: Duration = Duration::from_millis(200);
const PAGE: usize = 100;

/// What goes wrong.
#[derive(Debug, Clone, Default)]
pub(super) struct Faults {
    /// Predictions of other programs on the list, for each of ours.
    pub others: usize,
    /// Requests of pages fail, after this time.
    pub pages_fail: Option<Duration>,
    /// The size of a page.
    pub bytes: usize,
    /// The API ignores `created_before`.
    pub ignores_filter: bool,
    /// Every n-th prediction is on no page.
    pub unlisted: Option<usize>,
    /// How old the list is.
    pub lag: Duration,
    /// The list shows no end.
    pub frozen: bool,
    /// For so long after its end, polls show that a prediction is running.
    pub stale_polls: Duration,
    /// Responses report how many requests are left.
    pub reports: bool,
    /// Every n-th task stops when it is to request a page or to poll.
    pub blocked: Option<usize>,
    /// Every n-th task is dropped when it has requested a page.
    pub dropped: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Starts(usize),
    /// The timer of a task, with its number.
    Timer(usize, u64),
    Woken(usize),
    Polled(usize, bool),
    Page(usize, u64, Option<(u64, Duration)>),
}

struct Task {
    started: Duration,
    ends: Duration,
    place: Option<Place>,
    timer: u64,
    /// Whether it waits for its turn.
    sleeps: bool,
    is_blocked: bool,
    noticed: Option<Duration>,
}

pub(super) struct World {
    now: Duration,
    schedule: Schedule,
    tasks: Vec<Task>,
    places: HashMap<Place, usize>,
    /// The list: when a prediction was created, and its task if it is ours.
    list: Vec<(u64, Option<usize>)>,
    events: BinaryHeap<Reverse<(Duration, u64, Event)>>,
    faults: Faults,
    count: u64,
    /// How many requests the API still allows, and since when: 3,000 a minute, as many at once.
    level: (f64, Duration),
    rejected: usize,
    polls: Vec<Duration>,
    pages: Vec<Duration>,
}

#[derive(Debug)]
pub(super) struct Outcome {
    /// Requests for each prediction.
    pub requests: f64,
    pub pages: usize,
    pub median: Duration,
    pub late: Duration,
    /// The most requests within a minute.
    pub busiest: usize,
    pub unnoticed: usize,
    pub rejected: usize,
}

pub(super) fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

fn created(at: Duration) -> u64 {
    1_700_000_000_000_000 + at.as_micros() as u64
}

impl World {
    /// Starts `count` predictions evenly within `spread`, which run for `runs` seconds.
    pub fn new(count: usize, spread: Duration, runs: (f64, f64), faults: Faults, seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let (mut tasks, mut list) = (Vec::new(), Vec::new());
        for index in 0..count {
            let started = Duration::from_secs(1) + spread.mul_f64(index as f64 / count as f64);
            let ends = started + seconds(runs.0 + (runs.1 - runs.0) * random.f64());
            let nth = |nth: Option<usize>| nth.is_some_and(|nth| index % nth == nth / 2);
            if !nth(faults.unlisted) {
                list.push((created(started), Some(index)));
            }
            list.extend((0..faults.others).map(|_| (created(started), None)));
            let is_blocked = nth(faults.blocked);
            tasks.push(Task {
                started,
                ends,
                place: None,
                timer: 0,
                sleeps: false,
                is_blocked,
                noticed: None,
            });
        }
        let mut world = Self {
            now: Duration::ZERO,
            schedule: Schedule::with_seed(seed),
            tasks,
            places: HashMap::new(),
            list,
            events: BinaryHeap::new(),
            faults,
            count: 0,
            level: (3000.0, Duration::ZERO),
            rejected: 0,
            polls: Vec::new(),
            pages: Vec::new(),
        };
        (0..count).for_each(|index| world.at(world.tasks[index].started, Event::Starts(index)));
        world
    }

    fn at(&mut self, time: Duration, event: Event) {
        self.count += 1;
        self.events.push(Reverse((time, self.count, event)));
    }

    pub fn run(mut self) -> Outcome {
        while let Some(Reverse((now, _, event))) = self.events.pop() {
            assert!(now < Duration::from_secs(3600), "it never ends: {event:?}");
            self.now = now;
            self.handle(event);
            for place in self.schedule.take_wakes() {
                if let Some(task) = self.places.get(&place) {
                    self.at(now, Event::Woken(*task));
                }
            }
        }
        let waited = self.tasks.iter().filter(|task| task.noticed.is_some());
        let mut delays: Vec<_> = waited.map(|task| task.noticed.unwrap_or_default() - task.ends).collect();
        delays.sort();
        let mut sent = [self.polls, self.pages.clone()].concat();
        sent.sort();
        let minute = Duration::from_secs(60);
        let within = |(at, from): (usize, &Duration)| {
            sent[at..].iter().take_while(|time| **time < *from + minute).count()
        };
        Outcome {
            requests: sent.len() as f64 / self.tasks.len() as f64,
            pages: self.pages.len(),
            median: delays[delays.len() / 2],
            late: delays[delays.len() * 95 / 100],
            busiest: sent.iter().enumerate().step_by(50).map(within).max().unwrap_or_default(),
            unnoticed: self.tasks.len() - delays.len(),
            rejected: self.rejected,
        }
    }

    fn handle(&mut self, event: Event) {
        let now = self.now;
        match event {
            Event::Starts(index) => {
                let known = Known {
                    id: index.to_string(),
                    status: "starting".into(),
                    created: now,
                    hints: Hints::default(),
                };
                let place = self.schedule.join(known, Some(created(now)), now);
                self.places.insert(place, index);
                self.tasks[index].place = Some(place);
                self.step(index);
            }
            Event::Timer(index, timer) if self.tasks[index].timer != timer => {}
            Event::Timer(index, _) | Event::Woken(index) if self.tasks[index].sleeps => self.step(index),
            Event::Timer(..) | Event::Woken(_) => {}
            Event::Polled(index, ended) => {
                let Some(place) = self.tasks[index].place else { return };
                if ended {
                    self.tasks[index].noticed = Some(now);
                    self.leave(index);
                } else {
                    self.schedule.polled(place, "processing", Hints::default(), now);
                    self.step(index);
                }
            }
            Event::Page(index, number, arrived) => {
                if let Some((before, seen)) = arrived {
                    let page = self.page(before, seen);
                    let items = page.iter().map(|(id, created, ended)| Listed {
                        id,
                        created: Some(*created),
                        status: if *ended { "succeeded" } else { "processing" },
                        ended: *ended,
                    });
                    let items: Vec<_> = items.collect();
                    let page =
                        ArrivedPage { items: &items, bytes: self.faults.bytes, is_last: items.len() < PAGE };
                    self.schedule.page_arrived(number, &page, now);
                } else {
                    self.schedule.page_lost(number, true, now);
                }
                self.step(index);
            }
        }
    }

    /// Takes a request from those that the API allows.
    fn send(&mut self) {
        let (level, since) = self.level;
        let level = (level + (self.now - since).as_secs_f64() * 50.0).min(3000.0);
        self.rejected += usize::from(level < 1.0);
        self.level = (level - 1.0, self.now);
    }

    /// Returns a page of the list as it was at `seen`.
    fn page(&self, before: u64, seen: Duration) -> Vec<(String, u64, bool)> {
        let before = if self.faults.ignores_filter { u64::MAX } else { before };
        let end = self.list.partition_point(|(at, _)| *at < before && *at <= created(seen));
        let item = |(created, task): &(u64, Option<usize>)| match task {
            Some(task) => (task.to_string(), *created, self.tasks[*task].ends <= seen && !self.faults.frozen),
            None => ("other".into(), *created, *created % 2 == 0),
        };
        self.list[end.saturating_sub(PAGE)..end].iter().rev().map(item).collect()
    }

    fn leave(&mut self, index: usize) {
        if let Some(place) = self.tasks[index].place.take() {
            self.schedule.leave(place, self.now);
        }
    }

    fn step(&mut self, index: usize) {
        let Some(place) = self.tasks[index].place else { return };
        let now = self.now;
        self.tasks[index].sleeps = false;
        let left = if self.faults.reports { self.level.0 as u64 } else { 0 };
        match self.schedule.step(place, now, Allowance { left, ..Allowance::default() }) {
            Step::SleepUntil(until) => {
                assert!(until > now, "it asks again at once");
                let task = &mut self.tasks[index];
                (task.sleeps, task.timer) = (true, task.timer + 1);
                let timer = Event::Timer(index, task.timer);
                self.at(until, timer);
            }
            Step::Changed(_) => self.step(index),
            Step::Poll if self.tasks[index].is_blocked => {}
            Step::Poll => {
                self.polls.push(now);
                self.send();
                let seen = (now + LATENCY / 2).saturating_sub(self.faults.stale_polls);
                self.at(now + LATENCY, Event::Polled(index, self.tasks[index].ends <= seen));
            }
            Step::Page(_) if self.tasks[index].is_blocked => {}
            Step::Page(PageRequest { number, before }) => {
                self.pages.push(now);
                self.send();
                let seen = (now + LATENCY / 2).saturating_sub(self.faults.lag);
                if self.faults.dropped.is_some_and(|nth| index % nth == nth / 2) {
                    self.schedule.page_lost(number, false, now);
                    self.leave(index);
                    return;
                }
                match self.faults.pages_fail {
                    Some(after) => self.at(now + after, Event::Page(index, number, None)),
                    None => self.at(now + LATENCY, Event::Page(index, number, Some((before, seen)))),
                }
            }
        }
    }
}
