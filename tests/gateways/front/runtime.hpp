// The part of the stand-in that no vendor header decides: one TCP session to the Python front.
// Generated code includes this file; README.md describes the lines that are exchanged.
#pragma once

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace standin {

using Pairs = std::vector<std::pair<std::string, std::string>>;
using Words = std::vector<std::string>;

// kind: s text, c one character, h short, i int, l long long, d double
struct Field { const char *name; char kind; size_t offset; size_t size; };
struct Layout { const Field *fields; size_t count; };
template <class T> const Layout &layout_of();

struct Message {
    std::string name;
    int id = 0;
    bool last = true;
    const Pairs *data = nullptr;
    const Pairs *error = nullptr;
};

inline Words split(const std::string &text, char separator) {
    Words words;
    size_t begin = 0, end;
    while ((end = text.find(separator, begin)) != std::string::npos) {
        words.push_back(text.substr(begin, end - begin));
        begin = end + 1;
    }
    words.push_back(text.substr(begin));
    return words;
}

inline const Field *find_field(const Layout &layout, const std::string &name) {
    for (size_t i = 0; i < layout.count; ++i)
        if (name == layout.fields[i].name) return &layout.fields[i];
    return nullptr;
}

inline void set_field(char *target, const Field &field, const std::string &text) {
    char *place = target + field.offset;
    switch (field.kind) {
        case 's': std::strncpy(place, text.c_str(), field.size - 1); break;
        case 'c': *place = text.empty() ? '\0' : text[0]; break;
        case 'h': *reinterpret_cast<short *>(place) = (short)std::strtol(text.c_str(), nullptr, 10); break;
        case 'i': *reinterpret_cast<int *>(place) = (int)std::strtol(text.c_str(), nullptr, 10); break;
        case 'l': *reinterpret_cast<long long *>(place) = std::strtoll(text.c_str(), nullptr, 10); break;
        case 'd': *reinterpret_cast<double *>(place) = std::strtod(text.c_str(), nullptr); break;
    }
}

inline std::string get_field(const char *source, const Field &field) {
    const char *place = source + field.offset;
    char text[64] = "";
    switch (field.kind) {
        case 's': return std::string(place, strnlen(place, field.size));
        case 'c': return *place ? std::string(1, *place) : std::string();
        case 'h': std::snprintf(text, sizeof text, "%d", *reinterpret_cast<const short *>(place)); break;
        case 'i': std::snprintf(text, sizeof text, "%d", *reinterpret_cast<const int *>(place)); break;
        case 'l': std::snprintf(text, sizeof text, "%lld", *reinterpret_cast<const long long *>(place)); break;
        case 'd': std::snprintf(text, sizeof text, "%.17g", *reinterpret_cast<const double *>(place)); break;
    }
    return text;
}

// Throws for a field the vendor's struct does not have: a typo in a test must not pass unseen.
template <class T> T *take(T &room, const Pairs *pairs) {
    if (!pairs) return nullptr;
    for (const auto &[name, text] : *pairs) {
        const Field *field = find_field(layout_of<T>(), name);
        if (!field) throw std::invalid_argument("no field " + name);
        set_field(reinterpret_cast<char *>(&room), *field, text);
    }
    return &room;
}

template <class T> std::string written(const T *source) {
    std::string text;
    if (!source) return text;
    const Layout &layout = layout_of<T>();
    for (size_t i = 0; i < layout.count; ++i)
        text += std::string("\x01") + layout.fields[i].name + "=" +
                get_field(reinterpret_cast<const char *>(source), layout.fields[i]);
    return text;
}

inline std::string written(char *items[], int count) {
    std::string text;
    for (int i = 0; i < count; ++i) text += std::string("\x01InstrumentID=") + items[i];
    return text;
}

inline int milliseconds_from(const char *variable, int otherwise) {
    const char *text = std::getenv(variable);
    return text ? std::atoi(text) : otherwise;
}

// As the vendor does: a prefix with backslashes turned, and no mercy when it cannot be written.
inline std::string open_flow(const char *path) {
    std::string prefix = path ? path : "";
    for (char &letter : prefix) if (letter == '\\') letter = '/';
    for (const char *name : {"DialogRsp.con", "QueryRsp.con", "TradingDay.con"}) {
        FILE *file = std::fopen((prefix + name).c_str(), "ab");
        if (!file) {
            std::fprintf(stderr, "can not open CFlow file in line 256 of file Flow.cpp\n");
            std::raise(SIGSEGV);
        } else {
            std::fclose(file);
        }
    }
    return prefix;
}

class Session {
public:
    // Calls one method of the Spi; false when it has no such method.
    using Dispatch = std::function<bool(void *spi, const Message &)>;
    // Local load: produces `count` ticks through the Spi until told to stop.
    using Load = std::function<void(Session &, long count, double rate, Words symbols, Pairs)>;

    Session(const char *kind, const char *flow, int rejoin_ms, Dispatch dispatch, Load load)
        : kind_(kind), flow_(open_flow(flow)), rejoin_ms_(rejoin_ms),
          dispatch_(std::move(dispatch)), load_(std::move(load)) {}

    void register_spi(void *spi) {
        std::lock_guard<std::recursive_mutex> guard(spi_mutex_);
        spi_ = spi;
    }

    void register_front(const char *address) {
        std::string text = address ? address : "";
        size_t begin = text.find("://");
        text = begin == std::string::npos ? text : text.substr(begin + 3);
        size_t colon = text.rfind(':');
        port_ = colon == std::string::npos ? 0 : std::atoi(text.c_str() + colon + 1);
        host_ = text.substr(0, colon);
    }

    void start() {
        if (port_ <= 0 || port_ > 65535) { std::fprintf(stderr, "Invalid port\n"); return; }
        if (!resolve()) { std::fprintf(stderr, "Can not find host by name\n"); return; }
        std::thread([this] { live(); }).detach();
    }

    // The object itself is never freed: threads that are about to end may still look at it.
    void release() {
        say("REL");
        flush();
        std::this_thread::sleep_for(std::chrono::duration<double>(release_delay_s_.load()));
        register_spi(nullptr);
        stopping_ = true;
        std::lock_guard<std::mutex> guard(out_mutex_);
        if (socket_ >= 0) ::shutdown(socket_, SHUT_RDWR);
    }

    int request(const char *name, int id, const std::string &body) {
        double hang_s = hang_s_.exchange(0);
        if (hang_s > 0) std::this_thread::sleep_for(std::chrono::duration<double>(hang_s));
        if (!connected_) return -1;
        if (int code = planned(name)) {
            say(std::string("RETD\x01") + name);
            return code;
        }
        say(std::string("REQ\x01") + name + "\x01" + std::to_string(id) + body);
        return 0;
    }

    const char *trading_day() const { return trading_day_; }
    bool generating() const { return generating_ && !stopping_; }

    // Runs `call` with the Spi, unless there is none any more.
    void with_spi(const std::function<void(void *)> &call) {
        std::lock_guard<std::recursive_mutex> guard(spi_mutex_);
        if (spi_) call(spi_);
    }

private:
    void say(const std::string &line) {
        std::lock_guard<std::mutex> guard(out_mutex_);
        if (socket_ < 0) return;
        out_.push_back(line + "\n");
        out_ready_.notify_one();
    }

    // Lets the last words out, but waits for no front that does not read.
    void flush() {
        for (int tries = 0; tries < 20; ++tries) {
            {
                std::lock_guard<std::mutex> guard(out_mutex_);
                if (socket_ < 0 || (out_.empty() && !sending_)) return;
            }
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        }
    }

    int planned(const char *name) {
        std::lock_guard<std::mutex> guard(out_mutex_);
        auto found = returns_.find(name);
        if (found == returns_.end() || found->second.second == 0) return 0;
        if (found->second.second > 0) --found->second.second;
        return found->second.first;
    }

    bool resolve() {
        addrinfo hints{}, *found = nullptr;
        hints.ai_family = AF_INET;
        hints.ai_socktype = SOCK_STREAM;
        if (getaddrinfo(host_.c_str(), nullptr, &hints, &found) != 0) return false;
        address_ = *reinterpret_cast<sockaddr_in *>(found->ai_addr);
        address_.sin_port = htons((uint16_t)port_);
        freeaddrinfo(found);
        return true;
    }

    int dial() const {
        int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        int on = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        if (::connect(fd, reinterpret_cast<const sockaddr *>(&address_), sizeof address_) == 0)
            return fd;
        ::close(fd);
        return -1;
    }

    void live() {
        const int retry_ms = milliseconds_from("MDHUB_TEST_FRONT_RETRY_MS", 5000);
        while (!stopping_) {
            int fd = dial();
            if (fd < 0) {
                std::this_thread::sleep_for(std::chrono::milliseconds(retry_ms));
                continue;
            }
            int reason = serve(fd);
            connected_ = false;
            generating_ = false;
            Message gone;
            gone.name = "OnFrontDisconnected";
            gone.id = reason;
            if (!stopping_) call(gone);
            std::this_thread::sleep_for(std::chrono::milliseconds(rejoin_ms_));
        }
    }

    // A thread of its own writes, so that a front that does not read never blocks the caller.
    void write_out(int fd) {
        std::unique_lock<std::mutex> guard(out_mutex_);
        while (socket_ == fd) {
            if (out_.empty()) { out_ready_.wait(guard); continue; }
            std::string line = std::move(out_.front());
            out_.pop_front();
            sending_ = true;
            guard.unlock();
            for (size_t sent = 0; sent < line.size();) {
                ssize_t n = ::send(fd, line.data() + sent, line.size() - sent, MSG_NOSIGNAL);
                if (n <= 0) break;
                sent += (size_t)n;
            }
            guard.lock();
            sending_ = false;
        }
    }

    int serve(int fd) {
        {
            std::lock_guard<std::mutex> guard(out_mutex_);
            out_.clear();
            socket_ = fd;
        }
        std::thread writer([this, fd] { write_out(fd); });
        say(std::string("HELLO\x01") + kind_ + "\x01" + std::to_string(getpid()) + "\x01" + flow_);
        int reason = read_lines(fd);
        {
            std::lock_guard<std::mutex> guard(out_mutex_);
            socket_ = -1;
            out_ready_.notify_all();
        }
        ::shutdown(fd, SHUT_RDWR);
        writer.join();
        ::close(fd);
        return reason;
    }

    int read_lines(int fd) {
        std::string pending;
        char block[65536];
        ssize_t n;
        while ((n = ::recv(fd, block, sizeof block, 0)) > 0) {
            pending.append(block, (size_t)n);
            size_t begin = 0, end;
            while ((end = pending.find('\n', begin)) != std::string::npos) {
                if (int reason = obey(split(pending.substr(begin, end - begin), '\x01')))
                    return reason;
                begin = end + 1;
            }
            pending.erase(0, begin);
        }
        return 0x1001;
    }

    // Returns the reason with which the session ends, 0 to go on.
    int obey(const Words &words) {
        const std::string &order = words[0];
        if (order == "CB") deliver(words);
        else if (order == "DROP") return std::atoi(words.at(1).c_str());
        else if (order == "RET") plan(words);
        else if (order == "GEN") generate(words);
        else if (order == "STOPGEN") generating_ = false;
        else if (order == "HANG") hang_s_ = std::atof(words.at(1).c_str());
        else if (order == "RELDELAY") release_delay_s_ = std::atof(words.at(1).c_str());
        else if (order == "CRASH") crash(words.at(1));
        else say("BAD\x01unknown order " + order);
        return 0;
    }

    void plan(const Words &words) {
        std::lock_guard<std::mutex> guard(out_mutex_);
        returns_[words.at(1)] = {std::atoi(words.at(2).c_str()), std::atoi(words.at(3).c_str())};
    }

    static Pairs pairs_from(const Words &words, size_t &at) {
        Pairs pairs;
        for (; at < words.size(); ++at) {
            size_t equals = words[at].find('=');
            if (equals == std::string::npos) break;
            pairs.emplace_back(words[at].substr(0, equals), words[at].substr(equals + 1));
        }
        return pairs;
    }

    void deliver(const Words &words) {
        Pairs data, error;
        Message message;
        message.name = words.at(1);
        message.id = std::atoi(words.at(2).c_str());
        message.last = words.at(3) == "1";
        for (size_t at = 4; at < words.size();) {
            const bool is_data = words[at++] == "D";
            (is_data ? data : error) = pairs_from(words, at);
            (is_data ? message.data : message.error) = is_data ? &data : &error;
        }
        if (message.name == "OnFrontConnected") connected_ = true;
        if (message.name == "OnRspUserLogin")
            for (const auto &[name, text] : data)
                if (name == "TradingDay") std::strncpy(trading_day_, text.c_str(), 8);
        call(message);
    }

    void call(const Message &message) {
        try {
            with_spi([&](void *spi) {
                if (!dispatch_(spi, message)) say("BAD\x01no callback " + message.name);
            });
        } catch (const std::invalid_argument &problem) {
            say("BAD\x01" + message.name + ": " + problem.what());
        }
    }

    void generate(const Words &words) {
        size_t at = 5;
        Pairs pairs = pairs_from(words, at);
        long count = std::atol(words.at(1).c_str());
        double rate = std::atof(words.at(2).c_str());
        generating_ = true;
        std::thread([=, this_ = this, symbols = split(words.at(3), ',')] {
            auto begin = std::chrono::steady_clock::now();
            this_->load_(*this_, count, rate, symbols, pairs);
            std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
            this_->say("GENDONE\x01" + std::to_string(count) + "\x01" + std::to_string(taken.count()));
        }).detach();
    }

    static void crash(const std::string &how) {
        if (how == "segv") std::raise(SIGSEGV);
        if (how == "abort") std::abort();
        if (how == "throw") throw std::runtime_error("thrown by the stand-in");
        _exit(std::atoi(how.c_str()));
    }

    const char *kind_;
    std::string flow_, host_;
    int port_ = 0, rejoin_ms_;
    sockaddr_in address_{};
    Dispatch dispatch_;
    Load load_;
    std::recursive_mutex spi_mutex_;
    void *spi_ = nullptr;
    std::mutex out_mutex_;  // guards the five below
    std::condition_variable out_ready_;
    std::deque<std::string> out_;
    std::map<std::string, std::pair<int, int>> returns_;
    int socket_ = -1;
    bool sending_ = false;
    std::atomic<bool> stopping_{false}, connected_{false}, generating_{false};
    std::atomic<double> hang_s_{0}, release_delay_s_{0};
    char trading_day_[9] = "";
};

// Ticks from inside, for load: Volume counts, Turnover is CLOCK_MONOTONIC in ns.
template <class Spi, class Tick>
void produce(Session &session, long count, double rate, const Words &symbols, const Pairs &pairs) {
    Tick tick{};
    take(tick, &pairs);
    auto next = std::chrono::steady_clock::now();
    for (long i = 0; i < count && session.generating(); ++i) {
        const std::string &symbol = symbols[(size_t)i % symbols.size()];
        std::strncpy(tick.InstrumentID, symbol.c_str(), sizeof tick.InstrumentID - 1);
        tick.Volume = (int)(i + 1);
        if (rate > 0) {
            next += std::chrono::nanoseconds((long long)(1e9 / rate));
            std::this_thread::sleep_until(next);
        }
        timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        tick.Turnover = (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
        session.with_spi([&](void *spi) { static_cast<Spi *>(spi)->OnRtnDepthMarketData(&tick); });
    }
}

}  // namespace standin
