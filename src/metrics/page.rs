//! An answer for Prometheus: families of figures, in the text format 0.0.4.

use prometheus::proto::{Counter, Gauge, LabelPair, Metric, MetricFamily, MetricType};
use prometheus::{Encoder as _, TextEncoder};

use super::Histogram;

/// What the text is served as.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// One series of a family: the value of its label, where it has one, and the figure.
pub type Series<'a, T> = (&'a str, T);

/// Figures, in the order in which they are put down.
#[derive(Debug, Default)]
pub struct Page(Vec<MetricFamily>);

impl Page {
    /// What is just now, one figure.
    pub fn gauge(&mut self, name: &str, help: &str, value: f64) {
        self.gauges(name, help, "", &[("", value)]);
    }

    /// What is just now, one figure for each value of a label.
    pub fn gauges(&mut self, name: &str, help: &str, label: &str, series: &[Series<'_, f64>]) {
        let metric = |value| {
            let mut gauge = Gauge::default();
            gauge.set_value(value);
            Metric::from_gauge(gauge)
        };
        let series = series.iter().map(|(word, value)| (*word, metric(*value)));
        self.family(name, help, MetricType::GAUGE, label, series);
    }

    /// What has happened so far, one figure.
    pub fn counter(&mut self, name: &str, help: &str, value: f64) {
        self.counters(name, help, &[""], &[(&[""], value)]);
    }

    /// What has happened so far, one figure for each combination of the labels' values.
    pub fn counters(&mut self, name: &str, help: &str, labels: &[&str], series: &[(&[&str], f64)]) {
        let series = series.iter().map(|(words, value)| {
            let mut counter = Counter::default();
            counter.set_value(*value);
            let mut metric = Metric::default();
            metric.set_counter(counter);
            metric.set_label(pairs(labels, words));
            metric
        });
        self.push(name, help, MetricType::COUNTER, series.collect());
    }

    /// How long things took, one histogram for each value of a label.
    pub fn histograms(
        &mut self,
        name: &str,
        help: &str,
        label: &str,
        series: &[Series<'_, &Histogram>],
    ) {
        let metric = |histogram: &Histogram| {
            let mut metric = Metric::default();
            metric.set_histogram(histogram.read());
            metric
        };
        let series = series.iter().map(|(word, histogram)| (*word, metric(histogram)));
        self.family(name, help, MetricType::HISTOGRAM, label, series);
    }

    /// The text; an error means that a family has no figure.
    pub fn text(&self) -> Result<Vec<u8>, prometheus::Error> {
        let mut text = Vec::with_capacity(16 * 1024);
        TextEncoder::new().encode(&self.0, &mut text)?;
        Ok(text)
    }

    fn family<'a>(
        &mut self,
        name: &str,
        help: &str,
        kind: MetricType,
        label: &str,
        series: impl Iterator<Item = (&'a str, Metric)>,
    ) {
        let metrics = series.map(|(word, mut metric)| {
            metric.set_label(pairs(&[label], &[word]));
            metric
        });
        self.push(name, help, kind, metrics.collect());
    }

    fn push(&mut self, name: &str, help: &str, kind: MetricType, metrics: Vec<Metric>) {
        let mut family = MetricFamily::default();
        family.set_name(format!("sprint_runner_{name}"));
        family.set_help(help.to_owned());
        family.set_field_type(kind);
        family.set_metric(metrics);
        self.0.push(family);
    }
}

/// A label without a name is none.
fn pairs(labels: &[&str], words: &[&str]) -> Vec<LabelPair> {
    let named = labels.iter().zip(words).filter(|(label, _)| !label.is_empty());
    named
        .map(|(label, word)| {
            let mut pair = LabelPair::default();
            pair.set_name((*label).to_owned());
            pair.set_value((*word).to_owned());
            pair
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_what_the_format_says() {
        let mut page = Page::default();
        page.gauges("clients", "open now", "transport", &[("sse", 2.0), ("w\"s\n", 0.0)]);
        page.counter("rows_total", "so far", 1_234_567_890.0);
        let text = String::from_utf8(page.text().unwrap()).unwrap();
        assert_eq!(
            text,
            "# HELP sprint_runner_clients open now\n\
             # TYPE sprint_runner_clients gauge\n\
             sprint_runner_clients{transport=\"sse\"} 2\n\
             sprint_runner_clients{transport=\"w\\\"s\\n\"} 0\n\
             # HELP sprint_runner_rows_total so far\n\
             # TYPE sprint_runner_rows_total counter\n\
             sprint_runner_rows_total 1234567890\n"
        );
    }
}
