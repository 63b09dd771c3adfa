-- Counts one request in each window of KEYS, in order, until one is full.
-- ARGV has three numbers for each: the count at which it is full, the limit as written, and its
-- length in milliseconds. Answers with three numbers for each that was looked at: 1 where it was
-- full, the requests before this one, and the milliseconds until it lets go of something.
-- A window is kept as parts `first:last:requests`, as in recent.rs, by this server's clock.
local PARTS_MAX = 20
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local answers = {}
for place, key in ipairs(KEYS) do
  local full = tonumber(ARGV[place * 3 - 2])
  local limit = tonumber(ARGV[place * 3 - 1])
  local window = tonumber(ARGV[place * 3])
  local parts, before = {}, 0
  for first, last, requests in string.gmatch(redis.call('GET', key) or '', '(%d+):(%d+):(%d+)') do
    -- A clock that was set back: what seems to come later counts from now, not longer.
    last = math.min(tonumber(last), now)
    first = math.min(tonumber(first), last)
    if last + window > now then
      parts[#parts + 1] = { first, last, tonumber(requests) }
      before = before + tonumber(requests)
    end
  end
  local is_full = before >= full
  if not is_full then
    local together = 0
    if limit > PARTS_MAX then together = math.floor(window / PARTS_MAX) end
    local newest = parts[#parts]
    if newest and now - newest[1] < together then
      newest[2] = now
      newest[3] = newest[3] + 1
    else
      parts[#parts + 1] = { now, now, 1 }
    end
    local kept = {}
    for index, part in ipairs(parts) do
      kept[index] = string.format('%.0f:%.0f:%.0f', part[1], part[2], part[3])
    end
    redis.call('SET', key, table.concat(kept, ' '), 'PX', window)
  end
  local wait = window
  if parts[1] then wait = parts[1][2] + window - now end
  answers[#answers + 1] = is_full and 1 or 0
  answers[#answers + 1] = before
  answers[#answers + 1] = wait
  if is_full then break end
end
return answers
