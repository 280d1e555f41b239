"""Leaves in /result whatever could lead a reader astray."""
import os

os.symlink("/etc/passwd", "/result/absolute")
os.symlink("../" * 20 + "etc/passwd", "/result/relative")
os.symlink("/proc/self/root/etc/passwd", "/result/through_proc")
os.mkdir("/result/directory")
os.symlink("directory", "/result/to_directory")
open("/result/closed", "w").write("x")
os.chmod("/result/closed", 0)
open("/result/large", "wb").truncate(3 << 20)
open("/result/good", "w").write("good")
os.symlink("good", "/result/to_good")
for call in (lambda: os.mkfifo("/result/pipe"), lambda: os.link("/usr/bin/env", "/result/env"),
             lambda: os.mknod("/result/disk", 0o60600, 0x800)):
    try:
        call()
        print("escaped")
    except OSError:
        pass
print("done")
