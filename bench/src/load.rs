//! Asks a server with many connections for a while and counts answers and delays.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use futures_util::{TryStreamExt, stream::FuturesUnordered};

use crate::{
    Failure,
    case::{Case, Requests},
    client::Client,
    subject::Subject,
};

/// How the load is put on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pressure {
    pub(crate) connections: usize,
    pub(crate) length: Duration,
    /// Requests per second that are due, whether answers come or not; each connection waits for
    /// its answer where there is none.
    pub(crate) rate: Option<f64>,
}

/// What one measurement found.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sample {
    /// Answers per second.
    pub(crate) per_second: f64,
    /// Median delay in milliseconds.
    pub(crate) p50_ms: f64,
    /// Delay that one answer of a hundred exceeds, in milliseconds.
    pub(crate) p99_ms: f64,
    /// Time on processors that the server took for each answer, in microseconds.
    pub(crate) server_us: f64,
    /// Share of the machine's processors that went to others than server and client, 0 to 1.
    pub(crate) others: f64,
}

/// The median of a figure; nothing is 0.
pub(crate) fn median(samples: &[Sample], of: impl Fn(&Sample) -> f64) -> f64 {
    let mut values: Vec<f64> = samples.iter().map(of).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

/// Measures one case on one server, after warming up for a fifth of the length.
pub(crate) async fn measure(
    subject: &Subject,
    case: Case,
    pressure: Pressure,
) -> Result<Sample, Failure> {
    let mut clients = connect(subject.address, pressure.connections).await?;
    let warm = Pressure { length: pressure.length / 5, ..pressure };
    let requests = subject.requests.as_ref();
    let mut all = Worker { case: &|_| case, requests, delays_us: Vec::new() };
    all.run(&mut clients, warm).await?;
    all.delays_us.clear();
    let used_before = subject.processor_seconds();
    let others_before = crate::process::others_seconds();
    let began = Instant::now();
    all.run(&mut clients, pressure).await?;
    let seconds = began.elapsed().as_secs_f64();
    let used = subject.processor_seconds() - used_before;
    let others = crate::process::others_seconds() - others_before - used;
    Ok(all.sample(seconds, used, others))
}

/// Asks a mixture for a while, case by the place of the request; server time and others uncounted.
pub(crate) async fn mixed(
    subject: &Subject,
    clients: &mut [Client],
    case: &dyn Fn(usize) -> Case,
    pressure: Pressure,
) -> Result<Sample, Failure> {
    let mut all = Worker { case, requests: subject.requests.as_ref(), delays_us: Vec::new() };
    let began = Instant::now();
    all.run(clients, pressure).await?;
    Ok(all.sample(began.elapsed().as_secs_f64(), 0.0, 0.0))
}

/// Connections that are kept open.
pub(crate) async fn connect(address: SocketAddr, count: usize) -> Result<Vec<Client>, Failure> {
    let mut clients = Vec::new();
    for _ in 0..count {
        clients.push(Client::connect(address).await?);
    }
    Ok(clients)
}

struct Worker<'a> {
    case: &'a dyn Fn(usize) -> Case,
    requests: &'a dyn Requests,
    delays_us: Vec<u32>,
}

impl Worker<'_> {
    async fn run(&mut self, clients: &mut [Client], pressure: Pressure) -> Result<(), Failure> {
        let began = Instant::now();
        let count = clients.len();
        let loops = FuturesUnordered::new();
        for (place, client) in clients.iter_mut().enumerate() {
            // Not from the start each time: every measurement asks for other rows.
            let start = place * 104_729 + usize::try_from(began.elapsed().subsec_nanos())?;
            let asker = Asker { client, case: self.case, requests: self.requests, place: start };
            let gap = pressure.rate.map(|rate| Duration::from_secs_f64(count as f64 / rate));
            let due = gap.map(|gap| began + gap.mul_f64(place as f64 / count as f64));
            loops.push(asker.keep_asking(began + pressure.length, due.zip(gap)));
        }
        let delays: Vec<Vec<u32>> = loops.try_collect().await?;
        self.delays_us.extend(delays.into_iter().flatten());
        Ok(())
    }

    fn sample(&mut self, seconds: f64, used: f64, others: f64) -> Sample {
        self.delays_us.sort_unstable();
        let count = self.delays_us.len();
        let at = |share: f64| {
            let place = ((count as f64) * share) as usize;
            f64::from(self.delays_us.get(place.min(count.saturating_sub(1))).copied().unwrap_or(0))
                / 1000.0
        };
        let processors = std::thread::available_parallelism().map_or(1, usize::from) as f64;
        Sample {
            per_second: count as f64 / seconds,
            p50_ms: at(0.50),
            p99_ms: at(0.99),
            server_us: used * 1e6 / (count.max(1) as f64),
            others: (others / (seconds * processors)).max(0.0),
        }
    }
}

/// One connection and what it asks next.
struct Asker<'a> {
    client: &'a mut Client,
    case: &'a dyn Fn(usize) -> Case,
    requests: &'a dyn Requests,
    place: usize,
}

impl Asker<'_> {
    /// Asks until the moment, and gives the delays in microseconds.
    async fn keep_asking(
        mut self,
        until: Instant,
        mut schedule: Option<(Instant, Duration)>,
    ) -> Result<Vec<u32>, Failure> {
        let mut delays_us = Vec::with_capacity(4096);
        let mut bytes = Vec::with_capacity(1024);
        loop {
            let mut from = Instant::now();
            if let Some((due, gap)) = &mut schedule {
                if *due > from {
                    tokio::time::sleep_until((*due).into()).await;
                }
                from = *due;
                *due += *gap;
            }
            if from >= until {
                return Ok(delays_us);
            }
            self.place = self.place.wrapping_add(7919);
            bytes.clear();
            let case = (self.case)(self.place);
            self.requests.write(case, self.place, &mut bytes);
            let answer = self.client.ask(&bytes).await?;
            if !(200..300).contains(&answer.status) {
                let body = String::from_utf8_lossy(answer.body);
                let case = case.name();
                return Err(format!("{case} was answered {}: {body}", answer.status).into());
            }
            delays_us.push(u32::try_from(from.elapsed().as_micros()).unwrap_or(u32::MAX));
        }
    }
}
