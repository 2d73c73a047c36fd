"""What physicists and robotics people write: integrators, root finders, quadrature, dynamics, kinematics."""

import math

import numpy as np

from tests.corpus.registry import arr, program


@program((0.3, 3.7, 4), (0.3, 3.7, 0), tags="realistic zero-trips")
def logistic_map(x, r, n):
    for _ in range(n):
        x = r * x * (1.0 - x)
    return x


@program((0.31, 3), tags="realistic")
def logistic_map_swell(x, n):
    y = x
    for _ in range(n):
        y = 4 * y * (1 - y)
    return y


@program((2.0,), (10.0,), tags="realistic while")
def newton_sqrt(a):
    x = a if a > 1.0 else 1.0
    for _ in range(30):
        new = 0.5 * (x + a / x)
        if abs(new - x) < 1e-14:
            break
        x = new
    return x


@program((0.4, 1.1), tags="realistic while")
def newton_kepler(mean_anomaly, e):
    e = 0.3 * e
    u = mean_anomaly
    while abs(u - e * math.sin(u) - mean_anomaly) > 1e-13:
        u = u - (u - e * math.sin(u) - mean_anomaly) / (1.0 - e * math.cos(u))
    return u


@program((0.2, 2.9), tags="realistic")
def bisection_polished(a, c):
    lo, hi = 0.0, 4.0
    for _ in range(8):
        mid = 0.5 * (lo + hi)
        if mid**3 + a * mid - c > 0.0:
            hi = mid
        else:
            lo = mid
    x = 0.5 * (lo + hi)
    for _ in range(5):
        x = x - (x**3 + a * x - c) / (3.0 * x * x + a)
    return x


def oscillator(y, v, k, c):
    return v, -k * y - c * v


@program((1.0, 0.0, 4.0, 0.3), tags="realistic")
def runge_kutta_oscillator(y, v, k, c):
    h = 0.1
    for _ in range(10):
        a1, b1 = oscillator(y, v, k, c)
        a2, b2 = oscillator(y + 0.5 * h * a1, v + 0.5 * h * b1, k, c)
        a3, b3 = oscillator(y + 0.5 * h * a2, v + 0.5 * h * b2, k, c)
        a4, b4 = oscillator(y + h * a3, v + h * b3, k, c)
        y += h / 6.0 * (a1 + 2.0 * a2 + 2.0 * a3 + a4)
        v += h / 6.0 * (b1 + 2.0 * b2 + 2.0 * b3 + b4)
    return 0.5 * v * v + 0.5 * k * y * y


@program((1.0, 1.2, 0.9, 10.0, 28.0, 2.667), tags="realistic")
def lorenz_euler(x, y, z, sigma, rho, beta):
    dt = 0.01
    for _ in range(12):
        dx = sigma * (y - x)
        dy = x * (rho - z) - y
        dz = x * y - beta * z
        x, y, z = x + dt * dx, y + dt * dy, z + dt * dz
    return x + y * z


@program((arr(1.0, 0.5), 0.4), tags="realistic")
def van_der_pol_array(start, mu):
    s = start.copy()
    d = np.zeros(2)
    for _ in range(8):
        d[0] = s[1]
        d[1] = mu * (1.0 - s[0] * s[0]) * s[1] - s[0]
        for i in range(2):
            s[i] += 0.1 * d[i]
    return s[0] * s[0] + s[1]


@program((1.0, 0.0, 0.1, 1.0), tags="realistic")
def leapfrog_orbit(x, y, vx, vy):
    dt = 0.05
    for _ in range(10):
        r3 = (x * x + y * y) ** 1.5
        vx -= 0.5 * dt * x / r3
        vy -= 0.5 * dt * y / r3
        x += dt * vx
        y += dt * vy
        r3 = (x * x + y * y) ** 1.5
        vx -= 0.5 * dt * x / r3
        vy -= 0.5 * dt * y / r3
    return math.hypot(x, y) + 0.5 * (vx**2 + vy**2)


@program((0.5, 1.5, 8), tags="realistic")
def simpson(a, b, n):
    h = (b - a) / n
    s = math.exp(-a * a) + math.exp(-b * b)
    for i in range(1, n):
        x = a + i * h
        s += (4.0 if i % 2 else 2.0) * math.exp(-x * x)
    return s * h / 3.0


GAUSS = [
    (-0.7745966692414834, 0.5555555555555556),
    (0.0, 0.8888888888888888),
    (0.7745966692414834, 0.5555555555555556),
]


@program((0.5, 1.5), tags="realistic")
def gauss_legendre(a, b):
    half = 0.5 * (b - a)
    mid = 0.5 * (a + b)
    s = 0.0
    for node, weight in GAUSS:
        s += weight * math.sin((mid + half * node) ** 2)
    return half * s


@program((0.7, 1.9), tags="realistic")
def romberg(a, b):
    t = np.zeros(4)
    h = b - a
    t[0] = 0.5 * h * (math.log(a) + math.log(b))
    panels = 1
    for k in range(1, 4):
        h *= 0.5
        s = 0.0
        for i in range(panels):
            s += math.log(a + (2 * i + 1) * h)
        panels *= 2
        previous = t[0]
        t[0] = 0.5 * previous + h * s
        factor = 1.0
        for j in range(1, k + 1):
            factor *= 4.0
            old = t[j]
            t[j] = t[j - 1] + (t[j - 1] - previous) / (factor - 1.0)
            previous = old
    return t[3]


@program((1.3, 12), tags="realistic")
def bessel_j0_series(x, terms):
    term = 1.0
    total = 1.0
    for k in range(1, terms):
        term *= -(x * x) / (4.0 * k * k)
        total += term
    return total


@program((0.8,), tags="realistic while")
def exponential_series(x):
    term, total, k = 1.0, 1.0, 0
    while abs(term) > 1e-16:
        k += 1
        term *= x / k
        total += term
    return total


@program((1.7, 6), tags="realistic")
def continued_fraction(x, n):
    value = x
    for k in range(n, 0, -1):
        value = k * x + 1.0 / value
    return value


@program((0.4, arr(1.0, -2.0, 0.5, 3.0)), tags="realistic")
def horner(x, c):
    p = 0.0
    for i in range(len(c) - 1, -1, -1):
        p = p * x + c[i]
    return p


@program((0.4, arr(1.0, -2.0, 0.5, 3.0)), tags="realistic")
def clenshaw_chebyshev(x, c):
    b1, b2 = 0.0, 0.0
    for k in range(len(c) - 1, 0, -1):
        b1, b2 = 2.0 * x * b1 - b2 + c[k], b1
    return x * b1 - b2 + c[0]


@program((0.4, 5), (0.4, 1), tags="realistic")
def legendre_recurrence(x, n):
    p0, p1 = 1.0, x
    for k in range(1, n):
        p0, p1 = p1, ((2 * k + 1) * x * p1 - k * p0) / (k + 1)
    return p1


@program((arr(0.1, 0.5, 1.0, 0.5, 0.2), 0.2, 3), tags="realistic swap")
def heat_equation(u0, alpha, steps):
    n = len(u0)
    u = u0.copy()
    v = u0.copy()
    for _ in range(steps):
        for i in range(1, n - 1):
            v[i] = u[i] + alpha * (u[i - 1] - 2.0 * u[i] + u[i + 1])
        u, v = v, u
    s = 0.0
    for i in range(n):
        s += u[i] * u[i]
    return s


@program((arr(0.1, 0.5, 1.0, 0.5, 0.2), 0.3), tags="realistic")
def burgers_upwind(u0, c):
    u = u0.copy()
    n = len(u)
    for _ in range(3):
        new = np.zeros(n)
        new[0] = u[0]
        for i in range(1, n):
            new[i] = u[i] - c * u[i] * (u[i] - u[i - 1])
        u = new
    return u[n - 1] + u[2] * u[1]


@program(
    (arr(1.0, 1.1, 0.9), arr(4.0, 4.2, 3.9, 4.1), arr(0.8, 1.0, 0.7), arr(1.0, 2.0, -1.0, 0.5)),
    tags="realistic",
)
def thomas_solver(lower, diagonal, upper, rhs):
    n = len(diagonal)
    c = np.zeros(n)
    d = np.zeros(n)
    c[0] = upper[0] / diagonal[0]
    d[0] = rhs[0] / diagonal[0]
    for i in range(1, n):
        w = diagonal[i] - lower[i - 1] * c[i - 1]
        if i < n - 1:
            c[i] = upper[i] / w
        d[i] = (rhs[i] - lower[i - 1] * d[i - 1]) / w
    x = np.empty(n)
    x[n - 1] = d[n - 1]
    for i in range(n - 2, -1, -1):
        x[i] = d[i] - c[i] * x[i + 1]
    return x[0] + 2.0 * x[1] * x[2] - x[3]


@program((arr(0.3, 1.2, -0.4), arr(0.9, 0.1)), tags="realistic dp")
def soft_dtw_rows(a, b):
    n, m = len(a), len(b)
    row = np.zeros(m + 1)
    for j in range(1, m + 1):
        row[j] = 1000.0
    for i in range(1, n + 1):
        diagonal = row[0]
        row[0] = 1000.0
        for j in range(1, m + 1):
            cost = (a[i - 1] - b[j - 1]) ** 2
            x, y, z = row[j], row[j - 1], diagonal
            low = min(x, y, z)
            soft = low - math.log(math.exp(low - x) + math.exp(low - y) + math.exp(low - z))
            diagonal = row[j]
            row[j] = cost + soft
    return row[m]


@program((arr(0.3, 1.2, -0.4, 0.8), 0.55), tags="realistic dp swap")
def viterbi_two_states(emission, stay):
    old = np.zeros(2)
    new = np.zeros(2)
    for t in range(len(emission)):
        for s in range(2):
            keep = old[s] + math.log(stay)
            move = old[1 - s] + math.log(1.0 - stay)
            best = keep if keep > move else move
            new[s] = best + (emission[t] if s == 0 else -emission[t] * emission[t])
        old, new = new, old
    return max(old[0], old[1])


@program((arr(1.0, 3.0, 2.0, 5.0), 0.3), tags="realistic dp")
def stair_costs(cost, skip):
    n = len(cost)
    best = np.zeros(n + 2)
    for i in range(n - 1, -1, -1):
        best[i] = cost[i] + min(best[i + 1], best[i + 2] + skip)
    return min(best[0], best[1])


@program((1.7, 0.3, 0.1), tags="realistic")
def gradient_descent_inside(x, y, rate):
    for _ in range(6):
        gx = 4.0 * x**3 - 2.0 * y
        gy = 2.0 * y - 2.0 * x
        x, y = x - rate * 0.2 * gx, y - rate * gy
    return x**4 + y**2 - 2.0 * x * y


@program((0.3, 0.8, 1.0, 0.7), tags="realistic")
def two_link_arm(q1, q2, l1, l2):
    x = l1 * math.cos(q1) + l2 * math.cos(q1 + q2)
    y = l1 * math.sin(q1) + l2 * math.sin(q1 + q2)
    return (x - 1.2) ** 2 + (y - 0.5) ** 2


@program((arr(0.3, -0.2, 0.5), [1.0, 0.8, 0.6]), tags="realistic")
def planar_chain(angles, lengths):
    x, y, heading = 0.0, 0.0, 0.0
    for i in range(len(lengths)):
        heading += angles[i]
        x += lengths[i] * math.cos(heading)
        y += lengths[i] * math.sin(heading)
    return math.sqrt(x * x + y * y) + heading


@program((1.0, 0.2, -0.3, 0.4, 0.9), tags="realistic")
def quaternion_rotation(w, x, y, z, angle):
    n = math.sqrt(w * w + x * x + y * y + z * z)
    w, x, y, z = w / n, x / n, y / n, z / n
    vx, vy = math.cos(angle), math.sin(angle)
    rx = (1.0 - 2.0 * (y * y + z * z)) * vx + 2.0 * (x * y - w * z) * vy
    ry = 2.0 * (x * y + w * z) * vx + (1.0 - 2.0 * (x * x + z * z)) * vy
    return rx * ry + rx


@program((1.2, 0.5, 0.1, 10), tags="realistic")
def pid_controller(kp, ki, kd, steps):
    value, integral, previous = 0.0, 0.0, 1.0
    cost = 0.0
    for _ in range(steps):
        error = 1.0 - value
        integral += error * 0.1
        derivative = (error - previous) / 0.1
        u = kp * error + ki * integral + kd * derivative
        value += 0.1 * (u - 0.5 * value)
        previous = error
        cost += error * error
    return cost


@program((9.0, 0.9, 0.02), tags="realistic while")
def projectile_with_drag(speed, angle, drag):
    dt = 0.05
    x, y = 0.0, 0.0
    vx, vy = speed * math.cos(angle), speed * math.sin(angle)
    steps = 0
    while True:
        v = math.sqrt(vx * vx + vy * vy)
        vx -= dt * drag * v * vx
        vy -= dt * (9.81 + drag * v * vy)
        old_x, old_y = x, y
        x += dt * vx
        y += dt * vy
        steps += 1
        if y < 0.0 or steps > 200:
            break
    return old_x + (x - old_x) * old_y / (old_y - y)


@program((1.1, 0.8), tags="realistic")
def lennard_jones_chain(spacing, sigma):
    energy = 0.0
    for i in range(4):
        for j in range(i + 1, 4):
            r = spacing * (j - i) * (1.0 + 0.1 * i)
            s6 = (sigma / r) ** 6
            energy += 4.0 * (s6 * s6 - s6)
    return energy


@program(
    (arr(0.0, 1.0, 2.5, 3.0), arr(1.0, 2.0, 0.5, 1.5), 1.7),
    (arr(0.0, 1.0), arr(1.0, 2.0), 9.0),
    tags="realistic",
)
def linear_interpolation(xs, ys, x):
    for i in range(len(xs) - 1):
        if xs[i] <= x < xs[i + 1]:
            t = (x - xs[i]) / (xs[i + 1] - xs[i])
            return (1.0 - t) * ys[i] + t * ys[i + 1]
    return ys[-1] * x


@program((arr(0.0, 1.0, 2.5), arr(1.0, 2.0, 0.5), 1.7), tags="realistic")
def neville(xs, ys, x):
    p = ys.copy()
    n = len(xs)
    for k in range(1, n):
        for i in range(n - k):
            p[i] = ((x - xs[i + k]) * p[i] + (xs[i] - x) * p[i + 1]) / (xs[i] - xs[i + k])
    return p[0]


@program((2.0, 3.0, 0.5, 1.2), tags="realistic")
def conjugate_gradient_2x2(a, b, c, rhs):
    b = 1.0 + b
    x0, x1 = 0.0, 0.0
    r0, r1 = rhs, 1.0
    p0, p1 = r0, r1
    rs = r0 * r0 + r1 * r1
    for _ in range(2):
        q0, q1 = a * p0 + c * p1, c * p0 + b * p1
        alpha = rs / (p0 * q0 + p1 * q1)
        x0, x1 = x0 + alpha * p0, x1 + alpha * p1
        r0, r1 = r0 - alpha * q0, r1 - alpha * q1
        new = r0 * r0 + r1 * r1
        if new < 1e-9:
            break
        p0, p1 = r0 + new / rs * p0, r1 + new / rs * p1
        rs = new
    return x0 * x1 + x0


@program((0.2, 0.4), tags="realistic while")
def mandelbrot_distance(cx, cy):
    zx, zy = 0.0, 0.0
    n = 0
    while zx * zx + zy * zy < 4.0 and n < 8:
        zx, zy = zx * zx - zy * zy + cx, 2.0 * zx * zy + cy
        n += 1
    return zx * zx + zy * zy + n * cx


@program((0.05, 0.3, 0.99, 0.01), tags="realistic")
def sir_epidemic(beta_scale, gamma, s, i):
    beta = 20.0 * beta_scale
    peak = i
    for _ in range(15):
        new = beta * s * i * 0.2
        recovered = gamma * i * 0.2
        s, i = s - new, i + new - recovered
        peak = max(peak, i)
    return peak + s


@program((1.5, 2.5), tags="realistic")
def arithmetic_harmonic_mean(a, b):
    x, y = a, b
    for k in range(1, 4):
        x, y = (x + y) / 2.0, 2.0 * x * y / (x + y)
        if k == 2:
            x = x + 0.01 * a * b
    return math.sqrt(x * y)
