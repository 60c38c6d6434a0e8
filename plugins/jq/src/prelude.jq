# What jq has and jaq leaves out or does otherwise, and what must not differ from one machine to the next.
# Each definition may use those of jaq and those above it.

# The sandbox has no environment, and local time is UTC everywhere.
def env: {};
def localtime: gmtime;
def strflocaltime($format): strftime($format);

# There is no process to leave: ending with an error is the same as failing.
def halt_error: error;
def halt_error($exit_code): error;

def have_literal_numbers: true;
def toarray: if isarray then . else [.] end;
def leaf_paths: paths(scalars);
def ascii: [.] | implode;

def IN(candidates): any(candidates == .; .);
def IN(values; candidates): any(values == candidates; .);
def INDEX(rows; key): reduce rows as $row ({}; .[$row | key | tostring] = $row);
def INDEX(key): INDEX(.[]; key);

# jq leaves alone what is not a string, or does not start or end so.
def ltrimstr($prefix):
  if isstring and ($prefix | isstring) and startswith($prefix) then .[($prefix | length):] else . end;
def rtrimstr($suffix):
  if isstring and ($suffix | isstring) and endswith($suffix) then .[:length - ($suffix | length)] else . end;
def trimstr($text): ltrimstr($text) | rtrimstr($text);

def replace_all($from; $to): . / $from | reduce .[1:][] as $part (.[0] // ""; . + $to + $part);
def plain_text: if . == null then "" elif isstring then . else tojson end;

# In jq null joins as nothing, and entries may be spelled in several ways and have keys that are no strings.
def join($separator):
  reduce .[] as $item (null; (if . == null then "" else . + $separator end) + ($item | plain_text)) // "";
def from_entries:
  def entry_field($names): (first($names[] as $name | select(has($name)) | [.[$name]]) // [null])[0];
  reduce .[] as $entry ({}; . + ($entry | {
    (entry_field(["key", "k", "name", "Key", "K", "Name"]) | if isstring then . else tojson end):
      entry_field(["value", "v", "Value", "V"])
  }));
def with_entries(f): to_entries | map(f) | from_entries;

def table_field($format):
  if . >= [] then error("an array or object cannot be a field of @\($format): \(tojson | .[:60])") else . end;
def @csv:
  [.[] | table_field("csv") | if isstring then "\"" + replace_all("\""; "\"\"") + "\"" else plain_text end] | join(",");
def @tsv:
  [.[] | table_field("tsv") | plain_text
    | replace_all("\\"; "\\\\") | replace_all("\t"; "\\t") | replace_all("\n"; "\\n") | replace_all("\r"; "\\r")]
  | join("\t");
