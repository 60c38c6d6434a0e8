//! The weather of the next days, from open-meteo.com, which needs no key.

use toolbay_sdk::http;
use toolbay_sdk::prelude::*;

/// The weather of some days at one place
#[data]
#[derive(Debug, PartialEq)]
pub struct Forecast {
    /// The days, today first
    pub days: Vec<Day>,
}

/// The weather of one day
#[data]
#[derive(Debug, PartialEq)]
pub struct Day {
    /// The date
    pub date: Date,
    /// The lowest temperature, in °C
    pub lowest: Option<f64>,
    /// The highest temperature, in °C
    pub highest: Option<f64>,
    /// Rain and snow, in mm
    pub precipitation: Option<f64>,
}

/// Looks up the weather forecast for a place and returns temperatures and precipitation of each day.
#[tool]
fn forecast(
    /// Degrees north of the equator; negative in the south
    #[schemars(range(min = -90.0, max = 90.0))]
    latitude: f64,
    /// Degrees east of Greenwich; negative in the west
    #[schemars(range(min = -180.0, max = 180.0))]
    longitude: f64,
    /// How many days, today included
    #[default(3)]
    #[schemars(range(min = 1, max = 16))]
    days: u32,
) -> Result<Forecast, ToolError> {
    let answer = http::get("https://api.open-meteo.com/v1/forecast")
        .query("latitude", latitude)
        .query("longitude", longitude)
        .query("forecast_days", days)
        .query("daily", "temperature_2m_min,temperature_2m_max,precipitation_sum")
        .query("timezone", "auto")
        .fetch_json::<Answer>()?;
    Ok(by_day(answer.daily))
}

plugin!(forecast);

/// What the server answers
#[data]
struct Answer {
    daily: Columns,
}

/// A column for each thing that was asked for, with a value for each day
#[data]
struct Columns {
    time: Vec<Date>,
    temperature_2m_min: Vec<Option<f64>>,
    temperature_2m_max: Vec<Option<f64>>,
    precipitation_sum: Vec<Option<f64>>,
}

fn by_day(columns: Columns) -> Forecast {
    let value = |column: &[Option<f64>], day: usize| column.get(day).copied().flatten();
    let days = columns.time.iter().enumerate().map(|(day, date)| Day {
        date: *date,
        lowest: value(&columns.temperature_2m_min, day),
        highest: value(&columns.temperature_2m_max, day),
        precipitation: value(&columns.precipitation_sum, day),
    });
    Forecast { days: days.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_is_not_known_is_left_open() {
        let columns: Columns = serde_json::from_value(json!({
            "time": ["2026-01-01"],
            "temperature_2m_min": [-1.5],
            "temperature_2m_max": [null],
            "precipitation_sum": [],
        }))
        .unwrap();
        let day = &by_day(columns).days[0];
        assert_eq!((day.lowest, day.highest, day.precipitation), (Some(-1.5), None, None));
    }
}
