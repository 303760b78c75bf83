-- Every request differs from the one before in its path and in one header, as a tracing client's do.
local number = 0

request = function()
  number = number + 1
  wrk.headers["X-Request-Number"] = tostring(number)
  return wrk.format("GET", "/orders/" .. number .. "?page=2")
end
