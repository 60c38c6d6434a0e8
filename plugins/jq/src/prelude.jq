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
def isvalid(f): try (f | true) catch false;
def ascii: [.] | implode;

def IN(candidates): any(candidates == .; .);
def IN(values; candidates): any(values == candidates; .);
def INDEX(rows; key): reduce rows as $row ({}; .[$row | key | tostring] = $row);
def INDEX(key): INDEX(.[]; key);

# One number or value and nothing after it, where jaq gives each one that the text begins with.
def json_values: fromjson;
def fromjson:
  [json_values] | if length == 1 then .[0] else error("\(length) values in a text that should hold one as JSON") end;
def tonumber:
  if isnumber then . else . as $text
    | (try fromjson catch null)
    | if isnumber then . else error("cannot read \($text | tojson | .[:60]) as a number") end
  end;

# Deleting by path from the last to the first, so that nothing moves before it is its turn, and what is not there is no error.
def without($keys):
  if isobject then
    . as $object | reduce (keys_unsorted - $keys)[] as $key ({}; .[$key] = $object[$key])
  elif isarray then
    . as $items | [range(length)] as $all | $all - ([$keys[] as $key | $all[$key]] | flatten) | map($items[.])
  else . end;
def delpaths($paths):
  if any($paths[]; . == []) then null
  else
    reduce ($paths | group_by(.[:-1]) | reverse[]) as $group (.;
      $group[0][:-1] as $parent
      | if (try getpath($parent) catch null) >= [] then getpath($parent) |= without([$group[][-1]]) else . end)
  end;
def del(f): delpaths([path(f)]);

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
