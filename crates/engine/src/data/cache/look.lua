-- What is kept under a key, with the epoch and the generations that it has to match.
-- KEYS: epoch, value, generations. A generation that nobody has counted begins at the time, so that
-- one that was evicted never comes back as a number that it had before.
local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000000 + time[2])
local function counted(key)
  local value = redis.call('GET', key)
  if not value then
    redis.call('SET', key, now)
    value = now
  end
  return value
end
local found = { counted(KEYS[1]), redis.call('GET', KEYS[2]) or '' }
for place = 3, #KEYS do
  found[place] = counted(KEYS[place])
end
return found
