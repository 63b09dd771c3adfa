-- Keeps a value, unless anything that it was read from has changed or is being changed.
-- KEYS: value, epoch, generations, writes on their way. ARGV: value, its life in ms, epoch, how many
-- microseconds ago the last change has to be, generations.
local time = redis.call('TIME')
local micros = time[1] * 1000000 + time[2]
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if redis.call('GET', KEYS[2]) ~= ARGV[3] then
  return 0
end
local count = (#KEYS - 2) / 2
for place = 1, count do
  local generation = ARGV[4 + place]
  if redis.call('GET', KEYS[2 + place]) ~= generation then
    return 0
  end
  if micros - tonumber(generation) < tonumber(ARGV[4]) then
    return 0
  end
  if redis.call('ZCOUNT', KEYS[2 + count + place], now, '+inf') > 0 then
    return 0
  end
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
