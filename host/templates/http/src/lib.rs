//! The weather of the next days, from open-meteo.com, which needs no key.

use toolbay_sdk::prelude::*;
use toolbay_sdk::{http, http::Response};

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
    /// The date, as YYYY-MM-DD
    pub date: String,
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
    let response = http::get("https://api.open-meteo.com/v1/forecast")
        .query("latitude", latitude.to_string())
        .query("longitude", longitude.to_string())
        .query("forecast_days", days.to_string())
        .query("daily", "temperature_2m_min,temperature_2m_max,precipitation_sum")
        .query("timezone", "auto")
        .send()?
        .error_for_status()?;
    read(response)
}

plugin!(forecast);

/// What the server answers: a column for each thing that was asked for.
#[data]
struct Answer {
    daily: Columns,
}

#[data]
struct Columns {
    time: Vec<String>,
    temperature_2m_min: Vec<Option<f64>>,
    temperature_2m_max: Vec<Option<f64>>,
    precipitation_sum: Vec<Option<f64>>,
}

fn read(response: Response) -> Result<Forecast, ToolError> {
    let Columns { time, temperature_2m_min, temperature_2m_max, precipitation_sum } =
        response.json::<Answer>()?.daily;
    let value = |column: &[Option<f64>], day: usize| column.get(day).copied().flatten();
    let days = time.into_iter().enumerate().map(|(day, date)| Day {
        date,
        lowest: value(&temperature_2m_min, day),
        highest: value(&temperature_2m_max, day),
        precipitation: value(&precipitation_sum, day),
    });
    Ok(Forecast { days: days.collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_is_not_known_is_left_open() {
        let answer = r#"{"daily": {"time": ["2026-01-01"], "temperature_2m_min": [-1.5],
            "temperature_2m_max": [null], "precipitation_sum": [0.2]}}"#;
        let forecast = read(Response::new(200, [], answer)).unwrap();
        let day = Day {
            date: "2026-01-01".into(),
            lowest: Some(-1.5),
            highest: None,
            precipitation: Some(0.2),
        };
        assert_eq!(forecast.days, [day]);
    }
}
